// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// What the channels of the fan-in may carry: whoever can publish on one channel speaks for nobody else.
package struct FanInRules: Sendable, Equatable {
    /// What channels of one pattern may carry.
    package struct Rule: Sendable, Equatable {
        package var pattern: String
        /// Event types; nil for all.
        package var types: Set<String>?
        /// Sources beside those of the channel's own name.
        package var sources: [String]
        /// Whether every other source will do, except those of the hub itself.
        package var takesAnySource: Bool

        package init(
            _ pattern: String,
            types: Set<String>?,
            sources: [String] = [],
            takesAnySource: Bool = false
        ) {
            self.pattern = pattern
            self.types = types
            self.sources = sources
            self.takesAnySource = takesAnySource
        }

        /// The types of channels whose names say what they are for; nil for others, where an operator has to say it.
        package static func usualTypes(of pattern: String) -> Set<String>? {
            if pattern.utf8.starts(with: "chain.".utf8) { return ["chainEvent", "topicMessage"] }
            if pattern.utf8.starts(with: "rate.".utf8) { return ["rateChange"] }
            return nil
        }
    }

    /// The first whose pattern matches a channel holds for it.
    package var rules: [Rule]
    /// Sources that this hub follows itself, for which no channel speaks.
    package var followed: [String]

    package init(_ rules: [Rule] = FanInRules.standard, followed: [String] = []) {
        self.rules = rules
        self.followed = followed
    }

    package static let standard = ["chain.*", "rate.*"].map { Rule($0, types: Rule.usualTypes(of: $0)) }

    func rule(of channel: String) -> Rule? {
        let bytes = Array(channel.utf8)
        return self.rules.first { ChannelPattern($0.pattern).matches(bytes) }
    }

    /// Why a message on a channel may not be of a source; nil when it may.
    func complaint(aboutSource source: String, on channel: String, _ rule: Rule) -> String? {
        guard !self.followed.contains(where: { $0.hasSameBytes(as: source) }) else {
            return "the hub follows \(source) itself; nobody else speaks for it"
        }
        let isOwn = source.hasSameBytes(as: channel) || source.hasSameBytes(as: Self.sourceName(of: channel))
        if isOwn || rule.sources.contains(where: { $0.hasSameBytes(as: source) }) { return nil }
        if rule.takesAnySource, !SourceName.isReserved(source) { return nil }
        return "\(channel) may not speak for the source \(source); fan-in says what a channel may carry"
    }

    /// Why events of a type may not come on a channel; nil when they may.
    func complaint(aboutType type: String, on channel: String, _ rule: Rule) -> String? {
        guard let types = rule.types, !types.contains(type) else { return nil }
        return "\(channel) may carry \(types.sorted().joined(separator: ", ")), not \(type.cut(to: 64));"
            + " fan-in says what a channel may carry"
    }

    /// The source that a channel is named after: `chain:mainnet` of `chain.mainnet`.
    private static func sourceName(of channel: String) -> String {
        var bytes = Array(channel.utf8)
        if let dot = bytes.firstIndex(of: UInt8(ascii: ".")) { bytes[dot] = UInt8(ascii: ":") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
