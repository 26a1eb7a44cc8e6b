// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// Parses fan-in messages: the same event JSON that `POST /events` accepts, a single event or an array.
///
/// An event without `source` uses the message's channel as its source. An event without `id` that has a `sourceSeq`
/// gets an id from it, so that a message received by two nodes during a hand-over, or sent again by the publisher,
/// results in the same event.
package struct FanInReader: Sendable {
    private let validator: EventValidator
    private let messageBytes: Int
    private let rules: FanInRules

    /// - Parameters:
    ///   - messageBytes: Maximum size of a message.
    ///   - rules: Which sources and types each channel may carry.
    package init(validator: EventValidator, messageBytes: Int, rules: FanInRules) {
        self.validator = validator
        self.messageBytes = messageBytes
        self.rules = rules
    }

    /// Parses a message; errors are part of the result.
    package func read(_ message: FanInMessage, received: Timestamp) -> FanInReading {
        var reading = FanInReading(message: message, received: received)
        do throws(FanInFault) {
            let items = try self.items(of: message)
            guard let rule = self.rules.rule(of: message.channel) else {
                throw FanInFault("no fan-in pattern matches the channel \(message.channel)")
            }
            reading.numbers = try self.numbers(of: items.values, in: message, rule)
            try self.check(items.values, in: message, rule)
            reading.events = try self.events(of: items, in: message, received: received)
            reading.learnTypes()
        } catch {
            reading.fault = error
        }
        return reading
    }

    private func items(of message: FanInMessage) throws(FanInFault) -> (values: [JSON.Value], isArray: Bool) {
        guard message.payload.count <= self.messageBytes else {
            throw FanInFault("the message has \(message.payload.count) bytes, the limit is \(self.messageBytes)")
        }
        guard EventValidator.isIdentifier(message.channel) else {
            throw FanInFault(
                "the channel name must be 1 to \(EventValidator.maxIdentifierLength) bytes, no control characters"
            )
        }
        let value: JSON.Value
        do throws(JSON.Fault) {
            value = try JSON.Value.parse(message.payload)
        } catch {
            throw FanInFault("not JSON: \(error)")
        }
        switch value.kind {
        case .object: return ([value], false)
        case .array: return (Array(value.elements), true)
        case .null, .bool, .number, .string: throw FanInFault("neither an event nor an array of events")
        }
    }

    /// What the items say about their sources, whether or not they are valid events: one entry per run of the same
    /// number. Throws if the channel may not publish for a source, because that would corrupt the source's numbering.
    private func numbers(
        of items: [JSON.Value],
        in message: FanInMessage,
        _ rule: FanInRules.Rule
    ) throws(FanInFault) -> [SourceNumber] {
        var numbers: [SourceNumber] = []
        for item in items.prefix(self.validator.limits.events) where item.kind == .object {
            let source: String
            if let given = item["source"], !given.isNull {
                guard let text = given.string, EventValidator.isIdentifier(text) else { continue }
                source = text
            } else {
                source = message.channel
            }
            if let message = self.rules.validationError(ofSource: source, on: message.channel, rule) {
                throw FanInFault(message)
            }
            var seq: Int?
            if let given = item["sourceSeq"], !given.isNull {
                guard let number = given.integer(in: .seq) else {
                    throw FanInFault("sourceSeq must be \(ClosedRange.seq.expectation())")
                }
                seq = number
            }
            if let last = numbers.last, last.seq == seq, last.source.hasSameBytes(as: source) { continue }
            numbers.append(
                SourceNumber(
                    source: source,
                    seq: seq,
                    types: [],
                    isStrict: item["sourceOrder"]?.equals("strict") ?? false,
                    isFirst: item["sourceFirst"]?.bool ?? false
                )
            )
        }
        return numbers
    }

    private func check(
        _ items: [JSON.Value],
        in message: FanInMessage,
        _ rule: FanInRules.Rule
    ) throws(FanInFault) {
        for item in items {
            guard let type = item["type"]?.string else { continue }
            if let message = self.rules.validationError(ofType: type, on: message.channel, rule) {
                throw FanInFault(message)
            }
        }
    }

    private func events(
        of items: (values: [JSON.Value], isArray: Bool),
        in message: FanInMessage,
        received: Timestamp
    ) throws(FanInFault) -> [Event] {
        // Types and sources have been checked already; no token is involved.
        let channel = Principal(subject: message.channel, scopes: ["publish:*"], isInternal: true)
        var events: [Event]
        do throws(IntakeFault) {
            events = try self.validator.events(from: items.values, publisher: channel, now: received)
        } catch {
            throw FanInFault(error.summary.message)
        }
        for (index, item) in items.values.enumerated() where item["id"]?.isNull ?? true {
            guard let seq = item["sourceSeq"]?.integer(in: .seq) else { continue }
            events[index].id = items.isArray ? "\(seq)-\(index)" : "\(seq)"
        }
        return events
    }
}

/// A parsed message of the fan-in.
package struct FanInReading: Sendable {
    package let message: FanInMessage
    package let received: Timestamp
    /// Its events; empty if there is a fault.
    package fileprivate(set) var events: [Event] = []
    /// What it says about its sources, in order.
    package fileprivate(set) var numbers: [SourceNumber] = []
    /// Why it cannot become events.
    package fileprivate(set) var fault: FanInFault?

    fileprivate init(message: FanInMessage, received: Timestamp) {
        self.message = message
        self.received = received
    }

    /// Approximate memory cost, in bytes.
    package var cost: Int {
        self.events.reduce(self.message.payload.count + 512) { $0 + $1.data.count + 256 }
    }

    /// Only valid messages determine the event types of a source.
    fileprivate mutating func learnTypes() {
        var types: [ExactText: Set<String>] = [:]
        for event in self.events {
            types[ExactText(event.source), default: []].insert(event.type)
        }
        for index in self.numbers.indices {
            self.numbers[index].types = types[ExactText(self.numbers[index].source)]?.sorted() ?? []
        }
    }
}

/// What is wrong with a fan-in message. The text is for operators and may quote the message.
package struct FanInFault: Error, Sendable, Equatable {
    /// Maximum length of ``reason``, in scalars.
    private static let maxLength = 500

    package let reason: String

    package init(_ reason: String) {
        self.reason = reason.cut(to: Self.maxLength)
    }
}
