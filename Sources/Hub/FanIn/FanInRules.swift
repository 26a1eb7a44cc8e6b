// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// What the channels of the fan-in may carry, so that a publisher on one channel cannot publish for another source.
package struct FanInRules: Sendable, Equatable {
    /// What the channels matching a pattern may carry.
    package struct Rule: Sendable, Equatable {
        package var pattern: String
        /// Allowed event types; nil allows all.
        package var types: Set<String>?
        /// Allowed sources in addition to the one named after the channel.
        package var sources: [String]
        /// Whether any other source is allowed, except the hub's own.
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

        /// The default event types of a channel with a known prefix; nil for others, which an operator has to
        /// configure.
        package static func usualTypes(of pattern: String) -> Set<String>? {
            if pattern.utf8.starts(with: "chain.".utf8) { return ["chainEvent", "topicMessage"] }
            if pattern.utf8.starts(with: "rate.".utf8) { return ["rateChange"] }
            return nil
        }
    }

    /// The first rule whose pattern matches a channel applies.
    package var rules: [Rule]
    /// Sources that this hub follows itself; no channel may publish for them.
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

    /// Why a message on a channel may not have this source; nil if it may.
    func validationError(ofSource source: String, on channel: String, _ rule: Rule) -> String? {
        guard !self.followed.contains(where: { $0.hasSameBytes(as: source) }) else {
            return "the hub follows \(source) itself; no channel may publish for it"
        }
        let isOwn = source.hasSameBytes(as: channel) || source.hasSameBytes(as: Self.sourceName(of: channel))
        if isOwn || rule.sources.contains(where: { $0.hasSameBytes(as: source) }) { return nil }
        if rule.takesAnySource, !SourceName.isReserved(source) { return nil }
        return "\(channel) may not publish for the source \(source); see the setting fan-in"
    }

    /// Why events of a type are not allowed on a channel; nil if they are.
    func validationError(ofType type: String, on channel: String, _ rule: Rule) -> String? {
        guard let types = rule.types, !types.contains(type) else { return nil }
        return "\(channel) may carry \(types.sorted().joined(separator: ", ")), not \(type.cut(to: 64));"
            + " the setting fan-in defines what a channel may carry"
    }

    /// The source a channel is named after: `chain:mainnet` for `chain.mainnet`.
    private static func sourceName(of channel: String) -> String {
        var bytes = Array(channel.utf8)
        if let dot = bytes.firstIndex(of: UInt8(ascii: ".")) { bytes[dot] = UInt8(ascii: ":") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
