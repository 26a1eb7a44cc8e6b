// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Testing

@Suite struct PrincipalTests {
    private static let owner = EventType(name: "mine", readers: .owner, delivery: .every)
    private static let everyone = EventType(name: "open", readers: .everyone, delivery: .every)
    private static let scope = EventType(name: "ops", readers: .scope, delivery: .every)

    private static let nobody: Principal? = nil
    private static let user = Principal(subject: "u_1")
    private static let other = Principal(subject: "u_2")
    private static let auditor = Principal(subject: "a", scopes: ["read:*"])
    private static let reader = Principal(subject: "r", scopes: ["read:mine"])
    private static let operations = Principal(subject: "o", scopes: ["read:ops", "publish:mine"])

    @Test(arguments: [
        (owner, nobody, false), (owner, user, true), (owner, other, false), (owner, auditor, true),
        (owner, reader, true), (owner, operations, false),
        (everyone, nobody, true), (everyone, user, true), (everyone, operations, true),
        (scope, nobody, false), (scope, user, false), (scope, auditor, true), (scope, reader, false),
        (scope, operations, true),
    ])
    func readersAreThoseOfTheType(type: EventType, principal: Principal?, mayRead: Bool) {
        #expect(type.mayRead(ChannelName(type: type.name, key: "u_1"), principal) == mayRead)
    }

    @Test(arguments: [
        ("", false), ("publish:t", true), ("publish:*", true), ("publish:tt", false), ("publish:T", false),
        ("read:t", false), ("read:*", false), ("publish:", false), ("t", false),
    ])
    func publishingNeedsTheScope(scope: String, mayPublish: Bool) {
        #expect(Principal(subject: "s", scopes: [scope, "other"]).mayPublish("t") == mayPublish)
    }

    @Test func keyOfAnotherUserThatLooksTheSameIsNotOnesOwn() {
        let name = ChannelName(type: "mine", key: "e\u{301}")
        #expect(!Self.owner.mayRead(name, Principal(subject: "\u{E9}")))
        #expect(Self.owner.mayRead(name, Principal(subject: "e\u{301}")))
    }

    /// U+212A is the same as K to `String`.
    @Test func scopesAreComparedByBytes() {
        let principal = Principal(subject: "s", scopes: ["publish:\u{212a}", "read:\u{212a}", "e\u{301}"])
        #expect(!principal.mayPublish("K") && principal.mayPublish("\u{212a}"))
        #expect(!principal.mayReadAll("K") && principal.mayReadAll("\u{212a}"))
        #expect(!principal.has("\u{e9}") && principal.has("e\u{301}") && !principal.has(nil))
    }

    @Test func prefixOfAnotherUserIsNotOnesOwn() {
        #expect(!Self.owner.mayRead(ChannelName(type: "mine", key: "u_11"), Self.user))
        #expect(!Self.owner.mayRead(ChannelName(type: "mine", key: "u_1:x"), Self.user))
    }
}
