// SPDX-License-Identifier: Apache-2.0

import Hub
import Logging
import Server
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct PublishedKeysTests {
    private struct Away: Error {}

    /// A place where keys are published, and how often it was asked.
    private final class Place: Sendable {
        struct State: Sendable {
            var answer: Result<[UInt8], Away>
            var fetches = 0
        }

        let state: Watched<State>
        let gate = Gate()

        init(_ answer: [UInt8]?) {
            self.state = Watched(State(answer: answer.map { .success($0) } ?? .failure(Away())))
        }

        var fetches: Int { self.state.value.fetches }

        func publish(_ answer: [UInt8]?) {
            self.state.change { $0.answer = answer.map { .success($0) } ?? .failure(Away()) }
        }

        func fetch() async throws -> PublishedKeys.Response {
            await self.gate.pass()
            let answer = self.state.change { state in
                state.fetches += 1
                return state.answer
            }
            return PublishedKeys.Response(body: try answer.get(), maxAge: .zero)
        }
    }

    private func run(
        _ place: Place,
        _ change: (inout PublishedKeys.Limits) -> Void = { _ in },
        _ body: (PublishedKeys, TokenKeys) async throws -> Void
    ) async throws {
        var limits = PublishedKeys.Limits()
        limits.leastInterval = .zero
        limits.backoff = .milliseconds(1) ... .milliseconds(5)
        change(&limits)
        let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        let published = PublishedKeys(limits: limits, logger: logger) { try await place.fetch() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await published.run() }
            defer { place.gate.open() }
            try await place.gate.waitForArrivals(1)
            try await body(published, TokenKeys(secret: nil, published: published))
            group.cancelAll()
        }
    }

    @Test func aNewKeyIsFetchedForTheFirstTokenThatNeedsIt() async throws {
        let (old, new) = try await (Issuer(.ecdsa, id: "1"), Issuer(.edDSA, id: "2"))
        let place = Place(Issuer.set(old))
        try await self.run(place) { published, keys in
            #expect(try await keys.subject(old.token("u_1")) == "u_1")
            #expect(place.fetches == 1)
            place.publish(Issuer.set(old, new))
            // Nothing waits while the key is there.
            guard case .settled(.success) = keys.verdict(on: try await old.token()) else {
                Issue.record("a known key is not waited for")
                return
            }
            #expect(try await keys.subject(new.token("u_2")) == "u_2")
            #expect(place.fetches == 2)
            place.publish(Issuer.set(new))
            await #expect(throws: TokenFault.self) { try await keys.subject(old.token(id: "3")) }
            await #expect(throws: TokenFault.self) { try await keys.subject(old.token()) }
            #expect(published.tally.fetches == 4 && published.tally.failures == 0 && published.tally.keys == 1)
        }
    }

    @Test func unknownKeysCauseNoMoreFetchesThanAllowed() async throws {
        let issuer = try await Issuer(.ecdsa, id: "1")
        let place = Place(Issuer.set(issuer))
        try await self.run(place) {
            $0.leastInterval = .seconds(1_000)
        } _: { _, keys in
            _ = try await keys.subject(issuer.token())
            for number in 0..<100 {
                let token = try await issuer.token(id: "unknown-\(number)")
                guard case .settled(.failure(.invalid)) = keys.verdict(on: token) else {
                    Issue.record("token \(number) had a fetch made")
                    return
                }
            }
            #expect(place.fetches == 1)
        }
    }

    @Test func tokensOfOneRotationShareOneFetch() async throws {
        let (old, new) = try await (Issuer(.ecdsa, id: "1"), Issuer(.ecdsa, id: "2"))
        let place = Place(Issuer.set(old))
        try await self.run(place) { _, keys in
            _ = try await keys.subject(old.token())
            place.publish(Issuer.set(new))
            place.gate.close()
            let token = try await new.token()
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<50 { group.addTask { try await keys.subject(token) } }
                try await place.gate.waitForArrivals(2)
                place.gate.open()
                for try await subject in group { #expect(subject == "u_42") }
            }
            // Those that came just after it had one of their own at most.
            #expect((2...3).contains(place.fetches))
        }
    }

    @Test func oldKeysServeWhileThereAreNoNewOnes() async throws {
        let issuer = try await Issuer(.rsa, id: "1")
        let place = Place(Issuer.set(issuer))
        try await self.run(place) {
            $0.freshness = .milliseconds(1) ... .milliseconds(1)
        } _: { published, keys in
            let token = try await issuer.token()
            _ = try await keys.subject(token)
            for trouble in [nil, Array("<html>".utf8), Array(#"{"keys":[]}"#.utf8)] as [[UInt8]?] {
                place.publish(trouble)
                let failures = published.tally.failures
                try await eventually("it fails a few times") { published.tally.failures > failures + 3 }
                #expect(published.isUsable)
                #expect(try await keys.subject(token) == "u_42")
            }
        }
    }

    @Test func keysThatAreTooOldDoNot() async throws {
        let issuer = try await Issuer(.ecdsa, id: "1")
        let place = Place(Issuer.set(issuer))
        try await self.run(place) {
            $0.freshness = .milliseconds(1) ... .milliseconds(1)
            $0.stale = .milliseconds(20)
        } _: { published, keys in
            let token = try await issuer.token()
            try await eventually("it is fetched") { published.tally.fetches > 0 }
            place.publish(nil)
            try await eventually("the keys are too old") { !published.isUsable }
            await #expect(throws: TokenFault.unavailable("the token issuer's keys are not available now; try again"))
            {
                try await keys.subject(token)
            }
            place.publish(Issuer.set(issuer))
            try await eventually("they are back") { published.isUsable }
        }
    }

    @Test func tokensWaitForTheFirstSet() async throws {
        let issuer = try await Issuer(.ecdsa, id: "1")
        let place = Place(Issuer.set(issuer))
        place.gate.close()
        try await self.run(place) { published, keys in
            try await place.gate.waitForArrivals(1)
            #expect(!published.isUsable)
            let token = try await issuer.token()
            guard case .pending(let work) = keys.verdict(on: token) else {
                Issue.record("it cannot be known")
                return
            }
            async let principal = work()
            place.gate.open()
            #expect(try await principal.get().subject == "u_42")
        }
    }

    @Test func nobodyIsLeftWaitingAtTheEnd() async throws {
        let issuer = try await Issuer(.ecdsa, id: "1")
        let place = Place(nil)
        let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        let published = PublishedKeys(logger: logger) { try await place.fetch() }
        let keys = TokenKeys(secret: nil, published: published)
        place.gate.close()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await published.run()
            }
            try await place.gate.waitForArrivals(1)
            let token = try await issuer.token()
            group.addTask {
                await #expect(throws: TokenFault.self) { try await keys.subject(token) }
            }
            group.cancelAll()
            place.gate.open()
            try await group.waitForAll()
        }
        await #expect(throws: TokenFault.self) { try await keys.subject(issuer.token()) }
    }
}
