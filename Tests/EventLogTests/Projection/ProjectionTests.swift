// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Testing

@Suite struct ProjectionTests {
    @Test func onlyBuiltInTypesHaveOne() {
        #expect(EventTypes()["balanceUpdate"]?.projection == .balance)
        #expect(EventTypes()["transactionUpdate"]?.projection == .transaction)
        #expect(EventTypes()["rateChange"]?.projection == .rate)
        #expect(EventTypes()["chainEvent"]?.projection == nil)
        #expect(EventType(name: "mine", readers: .owner, delivery: .every).projection == nil)
    }

    @Test(arguments: Projection.allCases)
    func builtInTypesFeedTheirs(_ projection: Projection) throws {
        let type = try #require(EventTypes.builtIn.first { $0.projection == projection })
        #expect(projection.isFed(by: type.fields))
        for field in type.fields where field.isRequired {
            #expect(!projection.isFed(by: type.fields.filter { $0.name != field.name }))
            var optional = type.fields
            optional.removeAll { $0.name == field.name }
            #expect(!projection.isFed(by: optional + [Field(field.name, field.kind)]))
            #expect(!projection.isFed(by: optional + [Field(field.name, .any, required: true)]))
            #expect(projection.isFed(by: optional + [Field("more", .any), field]))
        }
    }

    @Test func choiceOfStringsFeedsAString() {
        let fields = [
            Field("type", .choice(["trade"]), required: true), Field("amount", .decimal, required: true),
            Field("status", .choice(["new"]), required: true),
        ]
        #expect(Projection.transaction.isFed(by: fields))
        #expect(!Projection.balance.isFed(by: [Field("balance", .choice(["1"]), required: true)]))
    }

    @Test func intakeSaysWhatAnEventProjects() throws {
        let items = try [
            #"{"type":"balanceUpdate","data":{"userId":"u","balance":"1"}}"#,
            #"{"type":"chainEvent","key":"c","data":{"chain":"x","event":"e","blockNumber":1,"blockHash":"h","#
                + #""transactionHash":"t","logIndex":0,"level":"seen"}}"#,
        ].map { try JSON.Value.parse(Array($0.utf8)) }
        let events = try EventValidator(types: EventTypes()).events(
            from: items,
            publisher: Principal(subject: "svc", scopes: ["publish:*"]),
            now: .now
        )
        #expect(events.map(\.projection) == [.balance, nil])
    }
}
