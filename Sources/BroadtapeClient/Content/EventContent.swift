// SPDX-License-Identifier: Apache-2.0

import JSON

/// The `data` of one built-in event type, read into fields. Amounts stay the decimal strings they are.
public protocol EventContent: Sendable, Equatable {
    /// The name of the event type.
    static var type: String { get }

    /// Reads the fields.
    init(_ data: EventData) throws(EventData.Unreadable)
}

/// The `data` of an event as fields.
public struct EventData: Sendable {
    /// Why the data of an event is not what its type says.
    public struct Unreadable: Error, Sendable, Equatable, CustomStringConvertible {
        /// A sentence with the channel, the number and the field.
        public let description: String
    }

    /// The event it belongs to.
    public let event: Event
    private let value: JSON.Value

    /// Reads the data of an event, which is an object for all built-in types.
    public init(_ event: Event) throws(Unreadable) {
        self.event = event
        do throws(JSON.Fault) {
            self.value = try JSON.Value.parse(event.data)
        } catch {
            throw Unreadable(description: "\(event.channel) \(event.seq): the data is not JSON: \(error)")
        }
    }

    /// A string; nil where it is missing, `null` or something else.
    public subscript(_ name: String) -> String? { self.value[name]?.string }

    /// A whole number from 0 to 2^53 - 1; nil where it is missing or something else.
    public func integer(_ name: String) -> Int? { self.value[name]?.integer(in: .seq) }

    /// Any value as JSON text; nil where it is missing.
    public func json(_ name: String) -> [UInt8]? { self.value[name].map { Array($0.text) } }

    /// A string that the type requires.
    public func required(_ name: String) throws(Unreadable) -> String {
        guard let text = self[name] else { throw self.unreadable(name, "a string") }
        return text
    }

    /// A whole number that the type requires.
    public func requiredInteger(_ name: String) throws(Unreadable) -> Int {
        guard let number = self.integer(name) else { throw self.unreadable(name, "a whole number") }
        return number
    }

    private func unreadable(_ name: String, _ kind: String) -> Unreadable {
        Unreadable(description: "\(self.event.channel) \(self.event.seq): \"\(name)\" is not \(kind)")
    }
}
