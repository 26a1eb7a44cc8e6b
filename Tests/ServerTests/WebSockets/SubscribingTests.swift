// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct SubscribingTests {
    private static func rate(_ rate: Int, _ key: String = "A") -> String {
        #"{"type":"rateChange","key":"\#(key)","id":"r-\#(rate)","time":"2026-11-20T16:00:00Z","data":{"rate":"\#(rate)"}}"#
    }

    private static func transaction(_ id: Int, _ users: String...) -> String {
        #"{"type":"transactionUpdate","keys":\#(users),"id":"t-\#(id)","time":"2026-11-20T16:00:00Z","#
            + #""data":{"type":"p2p","amount":"\#(id)","status":"new"}}"#
    }

    private static func balance(_ user: String, _ currency: String, _ balance: Int) -> String {
        #"{"type":"balanceUpdate","id":"b-\#(balance)","#
            + #""data":{"userId":"\#(user)","currency":"\#(currency)","balance":"\#(balance)"}}"#
    }

    @Test
    func latestTypesBeginWithASnapshot() async throws {
        try await withServer { server in
            try await server.publish(Self.rate(1), Self.rate(2))
            let socket = try await server.open()
            try await socket.send(#"{"op":"subscribe","id":2,"channel":"rateChange:A"}"#)
            let subscribed = try await socket.expect("subscribed")
            let epoch = try #require(subscribed["epoch"]?.string)
            #expect(
                subscribed.written
                    == #"{"op":"subscribed","id":2,"channel":"rateChange:A","epoch":"\#(epoch)","head":2,"mode":"snapshot"}"#
            )
            #expect(
                try await socket.next().written
                    == #"{"op":"snapshot","channel":"rateChange:A","seq":2,"id":"r-2","#
                    + #""time":"2026-11-20T16:00:00Z","data":{"rate":"2"}}"#
            )
            try await server.publish(Self.rate(3))
            #expect(
                try await socket.next().written
                    == #"{"op":"event","channel":"rateChange:A","seq":3,"id":"r-3","#
                    + #""time":"2026-11-20T16:00:00Z","data":{"rate":"3"}}"#
            )
        }
    }

    @Test
    func aSnapshotHasEveryWallet() async throws {
        try await withServer { server in
            try await server.publish(
                Self.balance("u_42", "USD", 1),
                Self.balance("u_42", "EUR", 2),
                Self.balance("u_42", "USD", 3)
            )
            let socket = try await server.open(token: try await server.tokens.user("u_42"))
            try await socket.send(#"{"op":"subscribe","channel":"balanceUpdate"}"#)
            #expect(try await socket.expect("subscribed")["mode"]?.string == "snapshot")
            #expect(try await socket.expect("snapshot")["id"]?.string == "b-2")
            #expect(try await socket.expect("snapshot")["id"]?.string == "b-3")
        }
    }

    @Test(arguments: [
        ("transactionUpdate", "", "live"), ("transactionUpdate", #","snapshot":true"#, "snapshot"),
        ("transactionUpdate", #","since":0"#, "resumed"), ("rateChange:A", #","snapshot":false"#, "live"),
        ("rateChange:A", #","since":0"#, "resumed"), ("rateChange:A", #","since":2,"snapshot":true"#, "resumed"),
        ("rateChange:NEW", "", "live"), ("balanceUpdate", "", "live"),
    ])
    func howASubscriptionBegins(_ channel: String, _ options: String, _ mode: String) async throws {
        try await withServer { server in
            try await server.publish(Self.rate(1), Self.rate(2), Self.transaction(1, "u_42"))
            let socket = try await server.open(token: try await server.tokens.user("u_42"))
            try await socket.send(#"{"op":"subscribe","channel":"\#(channel)"\#(options)}"#)
            #expect(try await socket.expect("subscribed")["mode"]?.string == mode)
        }
    }

    @Test
    func manyChannelsAreAnsweredOneByOne() async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.user("u_42"))
            try await socket.send(
                #"{"op":"subscribe","id":"x","channels":[{"channel":"rateChange:A"},{"channel":"balanceUpdate:u_77"},"#
                    + #"{"channel":"balanceUpdate"},{"channel":"rateChange:B"},{"channel":"nothing:B"}]}"#
            )
            var channels: Set<String> = []
            var errors: [String: String] = [:]
            for _ in 1...5 {
                let answer = try await socket.next()
                #expect(answer["id"]?.string == "x")
                let channel = try #require(answer["channel"]?.string)
                if answer["op"]?.string == "subscribed" {
                    channels.insert(channel)
                } else {
                    errors[channel] = answer["code"]?.string
                }
            }
            #expect(channels == ["rateChange:A", "rateChange:B", "balanceUpdate:u_42"])
            #expect(errors == ["balanceUpdate:u_77": "forbidden", "nothing:B": "unknown_type"])
        }
    }

    @Test(arguments: [
        ("balanceUpdate:u_77", "forbidden"), ("balanceUpdate:U_42", "forbidden"),
        ("transactionUpdate:u_4", "forbidden"),
        ("nothing:A", "unknown_type"), ("nothing", "bad_request"), ("rateChange", "bad_request"),
        ("rateChange:", "bad_request"), ("", "bad_request"), ("ratechange:A", "unknown_type"),
    ])
    func channelsThatCannotBeHadAreRefused(_ channel: String, _ code: String) async throws {
        try await withServer { server in
            let token = try await server.tokens.user("u_42", "publish:*", "read:rateChange")
            let socket = try await server.open(token: token)
            try await socket.send(#"{"op":"subscribe","id":3,"channel":"\#(channel)"}"#)
            let error = try await socket.expectError(code)
            #expect(error["id"]?.integer(in: .seq) == 3)
            #expect(error["channel"]?.string == channel)
            try await server.publish(Self.balance("u_77", "USD", 1), Self.transaction(1, "u_4"))
            try await socket.send(#"{"op":"ping"}"#)
            try await socket.expect("pong")
        }
    }

    @Test
    func withoutATokenOnlyPublicChannelsCanBeHad() async throws {
        try await withServer { server in
            let socket = try await server.open()
            for channel in ["balanceUpdate:u_42", "balanceUpdate", "transactionUpdate:u_42"] {
                try await socket.send(#"{"op":"subscribe","channel":"\#(channel)"}"#)
                #expect(try await socket.expectError("not_authenticated")["action"]?.string == "auth")
            }
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            try await socket.expect("subscribed")
        }
    }

    @Test
    func theScopeToReadOpensOthersChannels() async throws {
        try await withServer { server in
            try await server.publish(Self.balance("u_77", "USD", 1))
            let socket = try await server.open(token: try await server.tokens.user("auditor", "read:balanceUpdate"))
            try await socket.send(#"{"op":"subscribe","channel":"balanceUpdate:u_77"}"#)
            try await socket.expect("subscribed")
            #expect(try await socket.expect("snapshot")["channel"]?.string == "balanceUpdate:u_77")
            try await socket.send(#"{"op":"subscribe","channel":"transactionUpdate:u_77"}"#)
            try await socket.expectError("forbidden")
        }
    }

    @Test
    func aSecondSubscriptionIsRefusedAndTheFirstGoesOn() async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            try await socket.expect("subscribed")
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:A","since":0}"#)
            try await socket.expectError("already_subscribed")
            try await server.publish(Self.rate(1))
            #expect(try await socket.expect("event")["seq"]?.integer(in: .seq) == 1)
        }
    }

    @Test
    func afterUnsubscribingNothingComesAnyMore() async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.user("u_42"))
            for channel in ["balanceUpdate", "rateChange:A"] {
                try await socket.send(#"{"op":"subscribe","channel":"\#(channel)"}"#)
                try await socket.expect("subscribed")
            }
            try await socket.send(#"{"op":"unsubscribe","id":9,"channel":"balanceUpdate"}"#)
            let answer = try await socket.expect("unsubscribed")
            #expect(answer["id"]?.integer(in: .seq) == 9)
            #expect(answer["channel"]?.string == "balanceUpdate:u_42")
            try await server.publish(Self.balance("u_42", "USD", 1), Self.rate(1))
            #expect(try await socket.expect("event")["channel"]?.string == "rateChange:A")
            try await socket.send(#"{"op":"unsubscribe","channel":"balanceUpdate"}"#)
            try await socket.expectError("not_subscribed")
            try await socket.send(#"{"op":"subscribe","channel":"balanceUpdate","since":0}"#)
            try await socket.expect("subscribed")
            #expect(try await socket.expect("event")["seq"]?.integer(in: .seq) == 1)
            try await socket.expect("caughtUp")
        }
    }

    @Test
    func anEventOfManyKeysHasTheNumberOfEachChannel() async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.user("auditor", "read:*"))
            try await server.publish(Self.transaction(1, "u_42"), Self.transaction(2, "u_42"))
            for user in ["u_42", "u_77"] {
                try await socket.send(#"{"op":"subscribe","channel":"transactionUpdate:\#(user)"}"#)
                try await socket.expect("subscribed")
            }
            try await server.publish(Self.transaction(3, "u_42", "u_77"))
            var numbers: [String: Int] = [:]
            for _ in 1...2 {
                let event = try await socket.expect("event")
                #expect(event["id"]?.string == "t-3")
                numbers[event["channel"]?.string ?? ""] = event["seq"]?.integer(in: .seq)
            }
            #expect(numbers == ["transactionUpdate:u_42": 3, "transactionUpdate:u_77": 1])
        }
    }

    @Test
    func tooManySubscriptionsEndTheConnection() async throws {
        var setup = Setup()
        setup.hub.shard.subscriptionsPerMember = 2
        try await withServer(setup) { server in
            let socket = try await server.open()
            for key in ["A", "B"] {
                try await socket.send(#"{"op":"subscribe","channel":"rateChange:\#(key)"}"#)
                try await socket.expect("subscribed")
            }
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:C"}"#)
            try await socket.expectError("too_many_subscriptions")
            try await socket.expectClose(4505)
        }
    }

    @Test(arguments: [
        #""since":-1"#, #""since":"1""#, #""since":1.0"#, #""epoch":1"#, #""snapshot":1"#, #""interval":0"#,
        #""interval":"1""#,
        #""interval":3600001"#,
    ])
    func optionsThatMakeNoSenseAreRefused(_ option: String) async throws {
        try await withServer { server in
            let socket = try await server.open()
            try await socket.send(#"{"op":"subscribe","id":1,"channel":"rateChange:A",\#(option)}"#)
            #expect(try await socket.expectError("bad_request")["id"]?.integer(in: .seq) == 1)
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            try await socket.expect("subscribed")
        }
    }

    @Test
    func anIntervalIsForLatestTypesOnly() async throws {
        try await withServer { server in
            let socket = try await server.open(token: try await server.tokens.user("u_42"))
            try await socket.send(#"{"op":"subscribe","channel":"transactionUpdate","interval":100}"#)
            try await socket.expectError("bad_request")
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:A","interval":100}"#)
            try await socket.expect("subscribed")
            for rate in 1...50 { try await server.publish(Self.rate(rate)) }
            var last = 0
            while last < 50 {
                let event = try await socket.expect("event")
                let seq = try #require(event["seq"]?.integer(in: .seq))
                #expect(seq - last - 1 == event["skipped"]?.integer(in: .seq) ?? 0)
                last = seq
            }
        }
    }
}
