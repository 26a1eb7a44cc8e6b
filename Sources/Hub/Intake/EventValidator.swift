// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import JSON

/// Validates published events against the event types and rejects invalid ones.
package struct EventValidator: Sendable {
    /// Limits for one request.
    package struct Limits: Sendable, Equatable {
        /// Maximum number of events in one request.
        package var events = 10_000
        /// Maximum size of one event's `data` as compact JSON, in bytes.
        package var dataBytes = 65_536
        /// Maximum number of keys of one event.
        package var keys = 16

        package init() {}
    }

    /// Maximum number of invalid items reported in one response.
    package static let maxReportedItems = 100
    /// Maximum length of `id` and `source`, in UTF-8 bytes.
    package static let maxIdentifierLength = 256

    package let types: EventTypes
    package let limits: Limits
    private let readers: [ExactText: TypeReader]
    /// Number of rejected requests.
    package let refusals = RefusalCount()

    package init(types: EventTypes, limits: Limits = Limits()) {
        self.types = types
        self.limits = limits
        self.readers = Dictionary(types.all.map { (ExactText($0.name), TypeReader($0)) }) { $1 }
    }

    /// Validates the events of one request; one invalid event fails the whole request.
    /// - Parameters:
    ///   - now: The time of events without `time`.
    ///   - trace: The trace of events without `traceparent`.
    ///   - idPrefix: Prefix of generated ids; nil generates random ids, so that each event is new.
    package func events(
        from items: [JSON.Value],
        publisher: Principal,
        now: Timestamp,
        trace: TraceContext? = nil,
        idPrefix: String? = nil
    ) throws(IntakeFault) -> [Event] {
        do throws(IntakeFault) {
            return try self.checked(items, publisher: publisher, now: now, trace: trace, idPrefix: idPrefix)
        } catch {
            self.refusals.add(error.summary.code)
            throw error
        }
    }

    private func checked(
        _ items: [JSON.Value],
        publisher: Principal,
        now: Timestamp,
        trace: TraceContext?,
        idPrefix: String?
    ) throws(IntakeFault) -> [Event] {
        guard !items.isEmpty else {
            throw .malformed("there is no event in the request")
        }
        guard items.count <= self.limits.events else {
            throw .tooManyEvents(limit: self.limits.events, actual: items.count)
        }
        var events: [Event] = []
        events.reserveCapacity(items.count)
        var faults: [ItemFault] = []
        for (index, item) in items.enumerated() {
            do {
                events.append(
                    try self.event(
                        from: item,
                        index: index,
                        publisher: publisher,
                        now: now,
                        trace: trace,
                        idPrefix: idPrefix
                    )
                )
            } catch {
                faults.append(error)
                guard faults.count < Self.maxReportedItems else { break }
            }
        }
        guard faults.isEmpty else {
            throw .items(faults)
        }
        return events
    }

    private func event(
        from item: JSON.Value,
        index: Int,
        publisher: Principal,
        now: Timestamp,
        trace: TraceContext?,
        idPrefix: String?
    ) throws(ItemFault) -> Event {
        func fault(_ reason: ItemFault.Reason, _ field: String?, _ message: String) -> ItemFault {
            ItemFault(index: index, reason: reason, field: field, message: message)
        }
        guard item.kind == .object else {
            throw fault(.invalid, nil, "an event is an object")
        }
        let envelope = Envelope(item)
        guard let typeName = envelope.type?.string else {
            throw fault(.invalid, "type", "is required (a string)")
        }
        guard publisher.mayPublish(typeName) else {
            throw fault(
                .forbidden,
                "type",
                "publishing \(typeName.cut(to: 64)) needs the scope publish:\(typeName.cut(to: 64)) or publish:*"
            )
        }
        guard let reader = self.readers[ExactText(typeName)] else {
            let known = self.types.all.map(\.name).joined(separator: ", ")
            throw fault(.unknownType, "type", "there is no event type \(typeName.cut(to: 64)); there are \(known)")
        }
        guard let data = envelope.data, data.kind == .object else {
            throw fault(.invalid, "data", "is required (an object)")
        }
        let fields = reader.look(at: data)
        if let (field, message) = fields.complaint() {
            throw fault(.invalid, "data.\(field)", message)
        }
        let keys: [String]
        do {
            keys = try self.keys(of: envelope, fields, type: reader.type)
        } catch {
            throw fault(.invalid, error.field, error.message)
        }
        let compact = data.compacted()
        guard compact.count <= self.limits.dataBytes else {
            throw fault(.tooLarge, "data", "has \(compact.count) bytes, the limit is \(self.limits.dataBytes)")
        }
        let time = try Self.time(of: envelope, index: index)
        let source = try self.identifier("source", envelope.source, index: index) ?? publisher.subject
        if let complaint = publisher.complaint(aboutSource: source) {
            throw fault(.forbidden, "source", complaint)
        }
        return Event(
            id: try self.identifier("id", envelope.id, index: index)
                ?? idPrefix.map { "\($0)-\(index)" } ?? Self.makeID(),
            source: source,
            type: reader.type.name,
            keys: keys,
            time: time ?? now,
            data: compact,
            slot: fields.slot,
            projection: reader.type.projection,
            // An invalid value is treated as absent (W3C Trace Context §3.2.2).
            trace: envelope.traceparent?.string.flatMap { TraceContext($0) } ?? trace,
            fingerprint: Fingerprint(type: reader.type.name, keys: keys, time: time, data: compact)
        )
    }

    private static func time(of envelope: Envelope, index: Int) throws(ItemFault) -> Timestamp? {
        guard let value = envelope.time, !value.isNull else { return nil }
        guard let time = value.string.flatMap({ Timestamp(rfc3339: $0) }) else {
            throw ItemFault(
                index: index,
                reason: .invalid,
                field: "time",
                message: "must be an RFC 3339 time such as \"2026-11-20T16:00:00Z\""
            )
        }
        return time
    }

    private func identifier(_ name: String, _ value: JSON.Value?, index: Int) throws(ItemFault) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string, Self.isIdentifier(text) else {
            let length = value.string.map { ", this has \($0.utf8.count)" } ?? ""
            throw ItemFault(
                index: index,
                reason: .invalid,
                field: name,
                message: "must be a string of 1 to \(Self.maxIdentifierLength) bytes without control characters"
                    + length
            )
        }
        return text
    }

    /// Whether a text is a valid `id` or `source`.
    static func isIdentifier(_ text: String) -> Bool {
        (1...Self.maxIdentifierLength).contains(text.utf8.count) && text.hasNoControls
    }

    /// Generates an id of 128 random bits for an event without one.
    private static func makeID() -> String {
        let high = String(UInt64.random(in: .min ... .max), radix: 32)
        let low = String(UInt64.random(in: .min ... .max), radix: 32)
        return "e-" + high + low
    }
}

private struct KeyComplaint: Error {
    var field: String
    var message: String
}

extension EventValidator {
    private func keys(
        of envelope: Envelope,
        _ data: TypeReader.Data,
        type: EventType
    ) throws(KeyComplaint) -> [String] {
        var keys: [String] = []
        if let key = envelope.key, !key.isNull {
            guard envelope.keys?.isNull ?? true else {
                throw KeyComplaint(field: "keys", message: "cannot be combined with \"key\"; use one of them")
            }
            keys.append(try self.key(key, field: "key"))
        } else if let list = envelope.keys, !list.isNull {
            guard list.kind == .array, (1...self.limits.keys).contains(list.count) else {
                throw KeyComplaint(field: "keys", message: "must be an array of 1 to \(self.limits.keys) keys")
            }
            for element in list.elements {
                let key = try self.key(element, field: "keys")
                guard !keys.contains(where: { $0.hasSameBytes(as: key) }) else {
                    throw KeyComplaint(field: "keys", message: "names \(key) twice")
                }
                keys.append(key)
            }
        } else {
            guard let field = type.keyField else {
                throw KeyComplaint(field: "key", message: "is required for \(type.name)")
            }
            guard let value = data.key else {
                throw KeyComplaint(field: "data.\(field)", message: "is required where the event has no \"key\"")
            }
            return [try self.key(value, field: "data.\(field)")]
        }
        // A key that contradicts the data would show one user's event to another.
        if let field = type.keyField, let value = data.key, !value.isNull {
            let keyInData = try self.key(value, field: "data.\(field)")
            guard keys.contains(where: { $0.hasSameBytes(as: keyInData) }) else {
                throw KeyComplaint(
                    field: "data.\(field)",
                    message: "is \(keyInData), which is not among the event's keys (\(keys.joined(separator: ", ")))"
                )
            }
        }
        return keys
    }

    private func key(_ value: JSON.Value, field: String) throws(KeyComplaint) -> String {
        guard let key = value.string, ChannelName.isValidKey(key) else {
            let length = value.string.map { ", this has \($0.utf8.count)" } ?? ""
            throw KeyComplaint(
                field: field,
                message: "must be a string of 1 to \(ChannelName.maxKeyLength) bytes without control characters"
                    + length
            )
        }
        return key
    }
}
