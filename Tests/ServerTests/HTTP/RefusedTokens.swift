// SPDX-License-Identifier: Apache-2.0

extension RefusedRequests {
    /// Good requests with tokens that do not allow them.
    static let bearers: [Case] = [
        Case(testDescription: "no token", bearer: .none, status: 401, code: "not_authenticated"),
        Case(testDescription: "another scheme", bearer: .field("Basic dTpw"), status: 401, code: "bad_token"),
        Case(testDescription: "no token after the scheme", bearer: .field("Bearer"), status: 401, code: "bad_token"),
        Case(testDescription: "garbage", bearer: .field("Bearer a.b.c"), status: 401, code: "bad_token"),
        Case(testDescription: "an expired token", bearer: .expired, status: 401, code: "token_expired"),
        Case(testDescription: "a token of tomorrow", bearer: .notYet, status: 401, code: "bad_token"),
        Case(testDescription: "another hub's token", bearer: .foreign, status: 401, code: "bad_token"),
        Case(testDescription: "a token signed by HS512", bearer: .otherAlgorithm, status: 401, code: "bad_token"),
        Case(testDescription: "a token with another payload", bearer: .tampered, status: 401, code: "bad_token"),
        Case(testDescription: "an unsigned token", bearer: .unsigned("none"), status: 401, code: "bad_token"),
        Case(
            testDescription: "an unsigned token that says None",
            bearer: .unsigned("None"),
            status: 401,
            code: "bad_token"
        ),
        Case(
            testDescription: "an unsigned token that says HS256",
            bearer: .unsigned("HS256"),
            status: 401,
            code: "bad_token"
        ),
        Case(testDescription: "a token of nobody", bearer: .noSubject, status: 401, code: "bad_token"),
        Case(testDescription: "no scope", bearer: .scopes([]), status: 403, code: "forbidden", items: ["0 type"]),
        Case(
            testDescription: "scopes for other things",
            bearer: .scopes(["publish:balanceUpdate", "read:*", "publish:rateChanges", "publish", "publish:"]),
            status: 403,
            code: "forbidden",
            items: ["0 type"],
            says: ["publish:rateChange"]
        ),
    ]
}
