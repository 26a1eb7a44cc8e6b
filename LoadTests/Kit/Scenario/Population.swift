// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient

/// The channels and subscribers of a scenario.
struct Population: Sendable {
    /// Those that everybody follows come first.
    var channels: [Trace.Channel] = []
    var contents: [EventContent] = []
    var recruits: [Crew.Recruit] = []

    var plan: Plan { Plan(channels: self.channels, contents: self.contents) }

    /// - Parameter isShared: Whether every subscriber follows it.
    private mutating func add(_ content: EventContent, key: String, isShared: Bool) {
        self.channels.append(
            Trace.Channel(
                name: "\(content.type):\(key)",
                key: key,
                isPrivate: !isShared,
                mayConflate: EventContent.latestTypes.contains(content.type),
                slots: 1,
                events: 0
            )
        )
        self.contents.append(content)
    }

    /// The user that a private channel belongs to.
    private static func user(_ number: Int) -> String { "load-\(number)" }

    private static func token(_ access: Access, _ number: Int, types: [String] = []) -> String? {
        access.subscribing(users: [Self.user(number)], types: types)
    }

    /// Channels that all subscribers follow.
    static func everyone(_ count: Int, following channels: Int, type: String, bytes: Int, _ access: Access) -> Self {
        var population = Population()
        let content = EventContent(type: type, bytes: bytes)
        for number in 0..<channels { population.add(content, key: "load-\(number)", isShared: true) }
        population.recruits = (0..<count).map { Crew.Recruit(token: Self.token(access, $0)) }
        return population
    }

    /// Channels with one subscriber each, who owns it.
    static func owners(_ count: Int, type: String, bytes: Int, _ access: Access) -> Self {
        var population = Population()
        let content = EventContent(type: type, bytes: bytes)
        for number in 0..<count {
            population.add(content, key: Self.user(number), isShared: false)
            population.recruits.append(Crew.Recruit(ownChannels: [number], token: Self.token(access, number)))
        }
        return population
    }

    /// Subscribers that each follow one of several channels.
    static func spread(_ count: Int, over channels: Int, type: String, bytes: Int, _ access: Access) -> Self {
        var population = Population()
        let content = EventContent(type: type, bytes: bytes)
        for number in 0..<channels { population.add(content, key: "load-\(number)", isShared: false) }
        population.recruits = (0..<count).map {
            Crew.Recruit(ownChannels: [$0 % channels], token: Self.token(access, $0))
        }
        return population
    }

    /// What an app's clients do: each follows its user's balance and transactions, then rates.
    ///
    /// Who cannot have a token of each user follows rates alone.
    static func clients(_ count: Int, subscriptions: Int, bytes: Int, _ access: Access) -> Self {
        var population = Population()
        var own: [String] = []
        if case .secret = access { own = Array(["balanceUpdate", "transactionUpdate"].prefix(subscriptions)) }
        let rates = EventContent(type: "rateChange", bytes: bytes)
        for number in 0..<subscriptions - own.count { population.add(rates, key: "LOAD/\(number)", isShared: true) }
        let contents = own.map { EventContent(type: $0, bytes: bytes) }
        for number in 0..<count {
            let first = population.channels.count
            for content in contents { population.add(content, key: Self.user(number), isShared: false) }
            population.recruits.append(
                Crew.Recruit(
                    ownChannels: Array(first..<population.channels.count),
                    token: Self.token(access, number)
                )
            )
        }
        return population
    }

    /// Fast readers of a channel of each delivery, and slow ones of one each. Groups: fast, slow on `every`, slow on
    /// `latest`.
    static func readers(fast: Int, slow: Int, bytes: Int, _ access: Access) -> Self {
        var population = Population()
        for type in ["chainEvent", "rateChange"] {
            population.add(EventContent(type: type, bytes: bytes), key: "load-slow", isShared: false)
        }
        for number in 0..<fast + slow {
            let group = number < fast ? 0 : 1 + (number - fast) % 2
            population.recruits.append(
                Crew.Recruit(
                    ownChannels: group == 0 ? [0, 1] : [group - 1],
                    token: Self.token(access, number),
                    group: group
                )
            )
        }
        return population
    }
}
