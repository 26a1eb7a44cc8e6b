// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct TapeReaderTests {
    private static func channel(_ key: String, of hub: TestHub) async throws -> EventChannel {
        let type = try #require(hub.hub.types["note"])
        return await hub.hub.registry.channel(ChannelName(type: "note", key: key), type: type)
    }

    @Test func oneReadServesAllWhoAskForTheSamePage() async throws {
        try await withHub { hub in
            try await hub.publish(5, on: "note:k")
            hub.tape.pages.close()
            let channel = try await Self.channel("k", of: hub)
            try await withThrowingTaskGroup(of: (Int, Int?).self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let page = try await hub.hub.reader.page(of: channel, after: 2)
                        return (page.run?.first ?? -1, page.run?.last)
                    }
                }
                try await hub.tape.pages.waitForArrivals(1)
                // The others are in line behind it as soon as they have entered the actor, which one more visit shows.
                try await eventually("the other page is asked for too") {
                    group.addTask {
                        let page = try await hub.hub.reader.page(of: channel, after: 4)
                        return (page.run?.first ?? -1, page.run?.last)
                    }
                    return hub.tape.log.pages.contains { $0.after == 4 }
                }
                hub.tape.pages.open()
                for try await (first, last) in group {
                    #expect(first == 3 || first == 5)
                    #expect(last == 5)
                }
            }
            #expect(hub.tape.log.pages.count { $0.after == 2 } < 20)
        }
    }

    /// Those who come a little later, and from other numbers, are served with what was read.
    @Test func aPageIsReadOnceForThoseWhoComeAfter() async throws {
        try await withHub { hub in
            try await hub.publish(5, on: "note:k")
            let channel = try await Self.channel("k", of: hub)
            try await hub.hub.reader.open([channel])
            let before = hub.hub.reader.pageReadCount
            for after in [0, 0, 2, 4] {
                let page = try await hub.hub.reader.page(of: channel, after: after)
                #expect(page.run?.frames(from: after + 1) != nil)
                #expect(page.run?.last == 5)
            }
            #expect(hub.hub.reader.pageReadCount == before + 1)
            // What came since is no part of it.
            try await hub.publish(1, on: "note:k")
            #expect(try await hub.hub.reader.page(of: channel, after: 5).run?.first == 6)
            #expect(hub.hub.reader.pageReadCount == before + 2)
        }
    }

    @Test func pageBeyondTheHeadIsEmpty() async throws {
        try await withHub { hub in
            try await hub.publish(2, on: "note:k")
            let page = try await hub.hub.reader.page(of: try await Self.channel("k", of: hub), after: 2)
            #expect(page.run == nil)
            #expect(page.first == 1)
        }
    }

    @Test func failedPageFailsForAllWhoAskedAndIsReadAnew() async throws {
        try await withHub { hub in
            try await hub.publish(2, on: "note:k")
            hub.tape.pages.close()
            hub.tape.fail(.page, .before(.unavailable("x")))
            let channel = try await Self.channel("k", of: hub)
            let reader = hub.hub.reader
            let read = { @Sendable () async throws(TapeFault) in try await reader.page(of: channel, after: 0).run?.last
            }
            async let first = Result.of(read)
            try await hub.tape.pages.waitForArrivals(1)
            async let second = Result.of(read)
            hub.tape.pages.open()
            #expect(await first == .failure(.unavailable("x")))
            _ = await second
            #expect(try await reader.page(of: channel, after: 0).run?.last == 2)
        }
    }

    @Test func channelsAskedForDuringAReadShareTheNext() async throws {
        try await withHub { hub in
            hub.tape.latests.close()
            let clients = try await [hub.connect(), hub.connect(), hub.connect(), hub.connect()]
            for (index, client) in clients.enumerated() {
                let channels = #"{"channel":"note:\#(index)"},{"channel":"note:x"}"#
                try await client.send(#"{"op":"subscribe","channels":[\#(channels)]}"#)
                if index == 0 { try await hub.tape.latests.waitForArrivals(1) }
            }
            // Enough time for the reader to receive all requests; a late one would cause another read.
            for _ in 0..<100 { try await hub.settle() }
            hub.tape.latests.open()
            for client in clients { try await client.expect(2, "subscribed") }
            let reads = hub.tape.log.latests.map { Set($0.map(\.description)) }
            #expect(reads.first == ["note:0", "note:x"])
            #expect(reads.dropFirst().reduce(into: Set()) { $0.formUnion($1) } == ["note:1", "note:2", "note:3"])
            #expect(reads.count <= 3)
        }
    }

    @Test func manyChannelsAreReadInSeveralBatches() async throws {
        try await withHub { hub in
            let client = try await hub.connect()
            let channels = (0..<1_200).map { #"{"channel":"note:\#($0)"}"# }.joined(separator: ",")
            try await client.send(#"{"op":"subscribe","id":1,"channels":[\#(channels)]}"#)
            try await client.expect(1_200, "subscribed")
            #expect(hub.tape.log.latests.map(\.count) == [500, 500, 200])
        }
    }

    @Test func failureReachesAllWhoWaitAndTheNextOpenWorks() async throws {
        try await withHub { hub in
            hub.tape.latests.close()
            hub.tape.fail(.latest, .before(.unavailable("x")))
            let clients = try await [hub.connect(), hub.connect()]
            for client in clients {
                try await client.send(#"{"op":"subscribe","id":1,"channel":"note:k"}"#)
            }
            try await hub.tape.latests.waitForArrivals(1)
            try await hub.settle()
            hub.tape.latests.open()
            for client in clients {
                let answer = try await client.answer(1)
                #expect(answer["op"]?.string == "subscribed" || answer["code"]?.string == "unavailable")
            }
            #expect(clients.contains { !$0.messages("error").isEmpty })
            for client in clients where !client.messages("error").isEmpty {
                try await client.subscribe("note:k")
            }
            let last = try await hub.publish("note:k")
            for client in clients { #expect(try await client.events(on: "note:k", through: last) == [last]) }
        }
    }
}

extension Result {
    /// What some work comes to.
    fileprivate static func of(_ work: () async throws(Failure) -> Success) async -> Self {
        do throws(Failure) {
            return .success(try await work())
        } catch {
            return .failure(error)
        }
    }
}
