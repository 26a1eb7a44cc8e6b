// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension TapeContract {
    /// Does the same to a tape and to a ``TapeModel``, at random but the same at every run, and compares them after
    /// every step.
    func agreesWithModel(reopening: Bool) async throws {
        for seed in UInt64(1)...4 {
            var random = Dice(state: seed &* 0x9E37_79B9)
            // Storage may be shared by the rounds, so each keeps to channels of its own.
            let types = ["t\(seed)", "u\(seed)"]
            let clock = TapeClock()
            var tape = try await self.opener(clock)
            let name = ChannelName(type: types[0], key: "a")
            var model = TapeModel(epoch: try await tape.extent(of: name).epoch)
            var time = Int64(seed) * 1_000_000
            for step in 0..<120 {
                time += Int64.random(in: -3...20, using: &random)
                clock.now = .at(time)
                switch Int.random(in: 0..<10, using: &random) {
                case 0...6:
                    let requests = Self.requests(types, &random)
                    let expected = model.append(requests, now: clock.now)
                    #expect(try await tape.append(requests) == expected, "seed \(seed), step \(step)")
                case 7...8:
                    let type = types.randomElement(using: &random) ?? ""
                    let before = Timestamp.at(time - Int64.random(in: -5...200, using: &random))
                    let limit = Int.random(in: 0...15, using: &random)
                    let removed = try await tape.prune(type: type, acceptedBefore: before, limit: limit)
                    let expected = model.prune(type: type, acceptedBefore: before, limit: limit)
                    #expect(removed == expected, "seed \(seed), step \(step)")
                default:
                    guard reopening else { break }
                    await tape.close()
                    tape = try await self.opener(clock)
                }
                try await Self.compare(tape, model, types, "seed \(seed), step \(step)", &random)
            }
            await tape.close()
        }
    }

    /// Few ids, keys and contents, so that they meet.
    private static func requests(_ types: [String], _ random: inout Dice) -> [[Event]] {
        (0..<Int.random(in: 1...3, using: &random)).map { _ in
            (0..<Int.random(in: 1...3, using: &random)).map { _ in
                let type = types.randomElement(using: &random) ?? ""
                return Event.sample(
                    type + "\(Int.random(in: 0..<150, using: &random))",
                    keys: Array(
                        ["a", "b", "c"].shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random))
                    ),
                    type: type,
                    slot: type.first == "t" ? ["", "USD", "EUR"].randomElement(using: &random) ?? "" : "",
                    data: Array(String(repeating: "x", count: Int.random(in: 0...1, using: &random) * 300).utf8)
                )
            }
        }
    }

    private static func compare(
        _ tape: any Tape,
        _ model: TapeModel,
        _ types: [String],
        _ comment: Comment,
        _ random: inout Dice
    ) async throws {
        let names = types.flatMap { type in ["a", "b", "c", "d"].map { ChannelName(type: type, key: $0) } }
        let latest = try await tape.latest(of: names)
        let extents = try await tape.extents(of: names)
        for name in names {
            #expect(latest[name] == model.latest(of: name), comment)
            #expect(extents[name] == model.extent(of: name), comment)
            let after = Int.random(in: -1...model.extent(of: name).head + 1, using: &random)
            let limit = PageLimit(
                entries: Int.random(in: 0...20, using: &random),
                bytes: Int.random(in: 0...3000, using: &random)
            )
            let page = try await tape.page(of: name, after: after, limit: limit)
            #expect(page == model.page(of: name, after: after, limit: limit), comment)
        }
        var listings: [ChannelListing] = []
        for type in types {
            listings += try await tape.channels(withPrefix: type + ":", after: nil, limit: 100)
        }
        #expect(listings == model.listings(), comment)
    }
}

/// SplitMix64: small, seeded and good enough.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
