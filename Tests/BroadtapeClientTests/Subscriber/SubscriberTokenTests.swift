// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import JSON
import Synchronization
import Testing
import WebSocket

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Where a subscriber's tokens come from and go to.
@Suite(.timeLimit(.minutes(1)))
struct SubscriberTokenTests {
    @Test func everyConnectionAsksForAFreshToken() async throws {
        let count = Mutex(0)
        try await Loopback.withServer { server in
            let subscriber = try Script.subscriber(server) {
                count.withLock {
                    $0 += 1
                    return "t\($0)"
                }
            }
            try await subscriber.run { _ in
                let first = try await server.accept()
                #expect(first.request.fields["authorization"] == "Bearer t1")
                first.close(4005)
                let second = try await server.accept()
                #expect(second.request.fields["authorization"] == "Bearer t2")
            }
        }
    }

    @Test func tokensAreReplacedInPlaceBeforeTheyExpire() async throws {
        let count = Mutex(0)
        try await Loopback.withServer { server in
            let subscriber = try Script.subscriber(server) {
                count.withLock {
                    $0 += 1
                    return "t\($0)"
                }
            }
            try await subscriber.run { updates in
                var update = updates.makeAsyncIterator()
                let peer = try await server.accept()
                let expires = UTCTime(nanoseconds: Self.now() + 1_000_000_000).description
                peer.send(#"{"op":"authenticated","user":"u","expires":"\#(expires)"}"#)
                #expect(Script.short(await update.next()) == "authenticated u")
                let auth = await peer.next("auth")
                #expect(auth?["token"]?.string == "t2")
                peer.send(#"{"op":"authenticated","id":0,"user":"u"}"#)
                #expect(Script.short(await update.next()) == "authenticated u")
            }
        }
    }

    private static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    @Test func troubleWithTokensIsTriedAgain() async throws {
        struct Locked: Error {}
        let count = Mutex(0)
        try await Loopback.withServer { server in
            let subscriber = try Script.subscriber(server) {
                let isFirst = count.withLock {
                    $0 += 1
                    return $0 == 1
                }
                if isFirst { throw Locked() }
                return "t"
            }
            try await subscriber.run { updates in
                var update = updates.makeAsyncIterator()
                #expect(Script.short(await update.next()) == "disconnected there is no token: Locked()")
                _ = try await server.accept()
            }
        }
    }
}
