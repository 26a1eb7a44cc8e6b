// SPDX-License-Identifier: Apache-2.0

import Crypto
import EventLog
import Foundation
import Hub
import Secrets
import TestSupport
import Testing

@testable import Server

/// Times in tokens and signatures at the limits.
@Suite struct BoundaryTokenTests {
    private static let text = "a secret of these tests, thirty-two bytes and more"
    private static let now = Timestamp(nanoseconds: 1_800_000_000_000_000_000)

    /// Signed as it should be, with the numbers as they are written.
    private static func token(_ claims: String) -> String {
        let signed =
            Base64URL.encode(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)) + "."
            + Base64URL.encode(Array(#"{"sub":"u",\#(claims)}"#.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: SymmetricKey(data: Array(text.utf8)))
        return signed + "." + Base64URL.encode(Array(code))
    }

    private static func isTaken(_ claims: String, maxAge: Duration? = nil) throws -> Bool {
        var rules = TokenRules()
        rules.maxAge = maxAge
        let keys = TokenKeys(secret: try Secret(Self.text), rules: rules)
        guard case .settled(let result) = keys.verdict(on: Self.token(claims), now: Self.now) else { return false }
        return (try? result.get()) != nil
    }

    /// What no double holds is no time.
    @Test func timesOfEveryNumber() throws {
        for (text, _) in BoundaryNumbers.json {
            let seconds = Double(text) ?? .nan
            let (isFuture, isPast) = (
                seconds.isFinite && seconds > 1_800_000_000, seconds.isFinite && seconds < 1_800_000_000
            )
            #expect(try Self.isTaken(#""exp":\#(text)"#) == isFuture, "exp \(text)")
            #expect(try Self.isTaken(#""nbf":\#(text)"#) == isPast, "nbf \(text)")
            #expect(try Self.isTaken(#""iat":\#(text)"#) == isPast, "iat \(text)")
            #expect(try Self.isTaken(#""iat":\#(text)"#, maxAge: .seconds(3_600)) == false, "iat with an age \(text)")
        }
        #expect(try Self.isTaken(#""iat":1799999000,"exp":9223372036854775807"#, maxAge: .seconds(3_600)))
        #expect(try Self.isTaken(#""exp":1800000000.5"#) == false)
        #expect(try Self.isTaken(#""exp":1800000001.5"#))
    }

    @Test(arguments: ["\"1\"", "true", "[]", "{}", "\"\""])
    func timesThatAreNoNumbersAreRefused(_ text: String) throws {
        for name in ["exp", "nbf", "iat"] { #expect(try !Self.isTaken("\"\(name)\":\(text)"), "\(name)") }
    }

    @Test func signaturesOfEveryTime() {
        for (text, seq) in BoundaryNumbers.text where !text.contains(",") {
            do throws(TokenFault) {
                let signature = try WebhookSignature(["t=\(text),v1=00"])
                #expect(seq != nil, "\(text)")
                // Long ago, or far ahead.
                #expect(throws: TokenFault.self) { try signature.checkAge(now: Self.now) }
            } catch {
                #expect(seq == nil, "\(text): \(error)")
            }
        }
    }
}
