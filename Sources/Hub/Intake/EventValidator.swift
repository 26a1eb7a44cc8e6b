// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import JSON
import Synchronization

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
    /// Requests rejected before they reached the writer.
    package let rejections = RejectionCount()

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
            self.rejections.add(error.summary.code)
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
            do throws(ItemFault) {
                let id = idPrefix.map { "\($0)-\(index)" }
                events.append(try self.event(from: item, publisher: publisher, now: now, trace: trace, id: id))
            } catch {
                var fault = error
                fault.index = index
                faults.append(fault)
                guard faults.count < Self.maxReportedItems else { break }
            }
        }
        guard faults.isEmpty else {
            throw .items(faults)
        }
        return events
    }

    /// - Parameter id: The id if the event has none; nil generates one.
    private func event(
        from item: JSON.Value,
        publisher: Principal,
        now: Timestamp,
        trace: TraceContext?,
        id: String?
    ) throws(ItemFault) -> Event {
        guard item.kind == .object else {
            throw .invalid(nil, "an event is an object")
        }
        let envelope = Envelope(item)
        guard let typeName = envelope.type?.string else {
            throw .invalid("type", "is required (a string)")
        }
        guard publisher.mayPublish(typeName) else {
            let scope = "publish:\(typeName.cut(to: 64))"
            throw ItemFault(
                reason: .forbidden,
                field: "type",
                message: "publishing \(typeName.cut(to: 64)) needs the scope \(scope) or publish:*"
            )
        }
        let content = try self.content(typeName, envelope.data)
        let keys = try self.keys(of: envelope, content)
        let time = try Self.time(of: envelope)
        let source = try Self.identifier("source", envelope.source) ?? publisher.subject
        if let message = publisher.validationError(ofSource: source) {
            throw ItemFault(reason: .forbidden, field: "source", message: message)
        }
        return Event(
            id: try Self.identifier("id", envelope.id) ?? id ?? Self.makeID(),
            source: source,
            content,
            keys: keys,
            time: time,
            now: now,
            // An invalid value is treated as absent (W3C Trace Context §3.2.2).
            trace: envelope.traceparent?.string.flatMap { TraceContext($0) } ?? trace
        )
    }

    /// Validates an event of a source that this process follows.
    package func event(from event: SourceEvent, of source: String, now: Timestamp) throws(IntakeFault) -> Event {
        do throws(ItemFault) {
            let data: JSON.Value
            do throws(JSON.Fault) {
                data = try JSON.Value.parse(event.data)
            } catch {
                throw .invalid("data", "is not JSON: \(error)")
            }
            let content = try self.content(event.type, data)
            let key = try Self.key(event.key, field: "key")
            try Self.check([key], against: content)
            for (name, text) in [("id", event.id), ("source", source)] where !Self.isIdentifier(text) {
                throw Self.malformedIdentifier(name, text)
            }
            return Event(
                id: event.id,
                source: source,
                content,
                keys: [key],
                time: event.time,
                now: now,
                trace: nil
            )
        } catch {
            let fault = IntakeFault.items([error])
            self.rejections.add(fault.summary.code)
            throw fault
        }
    }

    /// The `data` of an event, checked against its type.
    fileprivate struct Content {
        var type: EventType
        var fields: TypeReader.Data
        /// Compact JSON.
        var json: [UInt8]
    }

    private func content(_ typeName: String, _ data: JSON.Value?) throws(ItemFault) -> Content {
        guard let reader = self.readers[ExactText(typeName)] else {
            let known = self.types.all.map(\.name).joined(separator: ", ")
            throw ItemFault(
                reason: .unknownType,
                field: "type",
                message: "there is no event type \(typeName.cut(to: 64)); there are \(known)"
            )
        }
        guard let data, data.kind == .object else {
            throw .invalid("data", "is required (an object)")
        }
        let fields = reader.extract(from: data)
        if let (field, message) = fields.validationError() {
            throw .invalid("data.\(field)", message)
        }
        let compact = data.compacted()
        guard compact.count <= self.limits.dataBytes else {
            throw ItemFault(
                reason: .tooLarge,
                field: "data",
                message: "has \(compact.count) bytes, the limit is \(self.limits.dataBytes)"
            )
        }
        return Content(type: reader.type, fields: fields, json: compact)
    }

    private static func time(of envelope: Envelope) throws(ItemFault) -> Timestamp? {
        guard let value = envelope.time, !value.isNull else { return nil }
        guard let time = value.string.flatMap({ Timestamp(rfc3339: $0) }) else {
            throw .invalid("time", "must be an RFC 3339 time such as \"2026-11-20T16:00:00Z\"")
        }
        return time
    }

    private static func identifier(_ name: String, _ value: JSON.Value?) throws(ItemFault) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string, Self.isIdentifier(text) else {
            throw Self.malformedIdentifier(name, value.string)
        }
        return text
    }

    private static func malformedIdentifier(_ name: String, _ text: String?) -> ItemFault {
        let length = text.map { ", this has \($0.utf8.count)" } ?? ""
        return .invalid(
            name,
            "must be a string of 1 to \(Self.maxIdentifierLength) bytes without control characters" + length
        )
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

extension EventValidator {
    private func keys(of envelope: Envelope, _ content: Content) throws(ItemFault) -> [String] {
        var keys: [String] = []
        if let key = envelope.key, !key.isNull {
            guard envelope.keys?.isNull ?? true else {
                throw .invalid("keys", "cannot be combined with \"key\"; use one of them")
            }
            keys.append(try Self.key(key.string, field: "key"))
        } else if let list = envelope.keys, !list.isNull {
            guard list.kind == .array, (1...self.limits.keys).contains(list.count) else {
                throw .invalid("keys", "must be an array of 1 to \(self.limits.keys) keys")
            }
            for element in list.elements {
                let key = try Self.key(element.string, field: "keys")
                guard !keys.contains(where: { $0.hasSameBytes(as: key) }) else {
                    throw .invalid("keys", "names \(key) twice")
                }
                keys.append(key)
            }
        } else {
            guard let field = content.type.keyField else {
                throw .invalid("key", "is required for \(content.type.name)")
            }
            guard let value = content.fields.key else {
                throw .invalid("data.\(field)", "is required where the event has no \"key\"")
            }
            return [try Self.key(value.string, field: "data.\(field)")]
        }
        try Self.check(keys, against: content)
        return keys
    }

    /// A key that contradicts the data would show one user's event to another.
    private static func check(_ keys: [String], against content: Content) throws(ItemFault) {
        guard let field = content.type.keyField, let value = content.fields.key, !value.isNull else { return }
        let keyInData = try Self.key(value.string, field: "data.\(field)")
        guard keys.contains(where: { $0.hasSameBytes(as: keyInData) }) else {
            throw .invalid(
                "data.\(field)",
                "is \(keyInData), which is not among the event's keys (\(keys.joined(separator: ", ")))"
            )
        }
    }

    private static func key(_ text: String?, field: String) throws(ItemFault) -> String {
        guard let text, ChannelName.isValidKey(text) else {
            let length = text.map { ", this has \($0.utf8.count)" } ?? ""
            throw .invalid(
                field,
                "must be a string of 1 to \(ChannelName.maxKeyLength) bytes without control characters" + length
            )
        }
        return text
    }
}

extension Event {
    fileprivate init(
        id: String,
        source: String,
        _ content: EventValidator.Content,
        keys: [String],
        time: Timestamp?,
        now: Timestamp,
        trace: TraceContext?
    ) {
        self.init(
            id: id,
            source: source,
            type: content.type.name,
            keys: keys,
            time: time ?? now,
            data: content.json,
            slot: content.fields.slot,
            projection: content.type.projection,
            trace: trace,
            fingerprint: Fingerprint(type: content.type.name, keys: keys, time: time, data: content.json)
        )
    }
}

/// Publish requests rejected before they reached the writer, by error code.
package final class RejectionCount: Sendable {
    private let counts = Mutex<[ErrorCode: Int]>([:])

    package var all: [ErrorCode: Int] {
        self.counts.withLock { $0 }
    }

    func add(_ code: ErrorCode) {
        self.counts.withLock { $0[code, default: 0] += 1 }
    }
}
