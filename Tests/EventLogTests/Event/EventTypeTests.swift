// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

@Suite struct EventTypeTests {
    @Test(arguments: [
        ("a", true), ("Z", true), ("balanceUpdate", true), ("order.book_v2-x", true),
        (String(repeating: "a", count: 64), true), (String(repeating: "a", count: 65), false),
        ("", false), ("1a", false), (".a", false), ("_a", false), ("-a", false), ("a b", false), ("a:b", false),
        ("a/b", false), ("ä", false), ("aä", false), ("a\n", false),
        ("[", false), ("@", false), ("`", false), ("{", false),
    ])
    func namesAreLettersAndFewSigns(name: String, isValid: Bool) {
        #expect(EventType.isValidName(name) == isValid)
    }

    @Test(arguments: [
        ("balanceUpdate", EventType.Readers.owner, EventType.Delivery.latest, "userId", Optional("currency")),
        ("transactionUpdate", .owner, .every, "userId", nil),
        ("rateChange", .everyone, .latest, "pair", nil),
        ("chainEvent", .everyone, .every, "contract", nil),
        ("topicMessage", .everyone, .every, "topic", nil),
    ])
    func builtInTypesKeepTheirPromises(
        name: String,
        readers: EventType.Readers,
        delivery: EventType.Delivery,
        keyField: String,
        slot: String?
    ) throws {
        let type = try #require(EventTypes()[name])
        #expect(type.readers == readers)
        #expect(type.delivery == delivery)
        #expect(type.keyField == keyField)
        #expect(type.slot?.field == slot)
    }

    @Test func builtInNamesAreValid() {
        #expect(EventTypes.builtIn.count == 5)
        #expect(EventTypes.builtIn.allSatisfy { EventType.isValidName($0.name) })
    }

    @Test func declaredTypeReplacesTheBuiltInOfItsName() throws {
        let mine = EventType(name: "rateChange", readers: .scope, delivery: .every)
        let other = EventType(name: "alert", readers: .everyone, delivery: .every)
        let types = EventTypes(declared: [mine, other])
        #expect(types["rateChange"] == mine)
        #expect(types["alert"] == other)
        #expect(types["unheard"] == nil)
        #expect(
            types.all.map(\.name) == [
                "alert", "balanceUpdate", "chainEvent", "rateChange", "topicMessage", "transactionUpdate",
            ]
        )
    }
}
