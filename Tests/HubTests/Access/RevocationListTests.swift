// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Testing

@Suite struct RevocationListTests {
    private static func time(_ second: Int64) -> Timestamp {
        Timestamp(nanoseconds: second * 1_000_000_000)
    }

    private static func user(_ subject: String = "u_1", issued: Int64? = 50, id: String? = "t") -> Principal {
        Principal(subject: subject, issued: issued.map { self.time($0) }, tokenID: id)
    }

    private static func list(_ revocations: Revocation...) -> RevocationList {
        let list = RevocationList()
        list.apply(
            revocations.enumerated().map {
                RevocationChange(number: $0.offset + 1, revocation: $0.element, isLifted: false)
            }
        )
        return list
    }

    @Test(arguments: [
        (Revocation.Target.token("t"), user(), true), (.token("t"), user(id: "T"), false),
        (.token("t"), user(id: nil), false), (.subject("u_1"), user(), true), (.subject("u_1"), user("u_11"), false),
        (.subject("u_1"), user(issued: 100), true), (.subject("u_1"), user(issued: 101), false),
        (.subject("u_1"), user(issued: nil), true), (.subject("u_1"), user("U_1"), false),
        (.subject("\u{E9}"), user("e\u{301}"), false), (.subject("t"), user(), false), (.token("u_1"), user(), false),
        (.session("t"), user(), false), (.session("u_1"), user(), false),
    ])
    func whatARevocationConcerns(_ target: Revocation.Target, _ principal: Principal, _ isRevoked: Bool) {
        let list = Self.list(Revocation(target, time: Self.time(100)))
        #expect(list.holds(principal, now: Self.time(200)) == isRevoked)
        #expect(list.holds(session: "s", of: principal, now: Self.time(200)) == isRevoked)
    }

    @Test func itEndsWhenItEnds() {
        let list = Self.list(Revocation(.token("t"), time: Self.time(100), until: Self.time(150)))
        #expect(list.holds(Self.user(), now: Self.time(149)))
        #expect(!list.holds(Self.user(), now: Self.time(150)))
        list.forget(endedBefore: Self.time(150))
        #expect(list.count == 1)
        list.forget(endedBefore: Self.time(151))
        #expect(list.count == 0)
    }

    @Test func sessionsAreRevokedByName() {
        let list = Self.list(Revocation(.session("s_1"), time: Self.time(1)))
        #expect(list.holds(session: "s_1", of: nil, now: Self.time(2)))
        #expect(!list.holds(session: "s_2", of: nil, now: Self.time(2)))
    }

    /// An applied change stays applied, regardless of later messages.
    @Test func changesCountInTheOrderOfTheirNumbers() {
        let list = Self.list(Revocation(.token("t"), time: Self.time(1)))
        let lifted = RevocationChange(
            number: 2,
            revocation: Revocation(.token("t"), time: Self.time(2)),
            isLifted: true
        )
        list.apply([lifted])
        list.apply([RevocationChange(number: 1, revocation: lifted.revocation, isLifted: false)])
        #expect(!list.holds(Self.user(), now: Self.time(3)))
        #expect(list.number == 2)
        list.apply([RevocationChange(number: 3, revocation: lifted.revocation, isLifted: false)])
        #expect(list.holds(Self.user(), now: Self.time(3)))
    }

    @Test func pagesGoThroughAllOfThem() {
        let targets: [Revocation.Target] = [.session("a"), .subject("a"), .subject("b"), .token("B"), .token("a")]
        let list = RevocationList()
        for (index, target) in targets.shuffled().enumerated() {
            list.apply([
                RevocationChange(number: index + 1, revocation: Revocation(target, time: Self.time(1)), isLifted: false)
            ])
        }
        for limit in 1...6 {
            var found: [Revocation.Target] = []
            while true {
                let page = list.page(after: found.last, limit: limit)
                found += page.map(\.target)
                if page.count < limit { break }
            }
            #expect(found == targets)
        }
    }
}
