// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import DequeModule
import JSON

/// Puts the events of several channels back together as they were published: one line each, in the order of their
/// times, also where one event appeared on several channels.
///
/// A value without I/O and clock. Holds events for a while, because the channels of one event arrive one by one;
/// an event that comes later than that becomes a line of its own.
struct Recording: Sendable {
    private struct Held: Sendable {
        var type: String
        var keys: [String]
        var time: String
        var data: [UInt8]
        var since: UInt64
    }

    /// Events held at most; then the oldest goes.
    private let limit: Int
    /// How long one is held, in nanoseconds.
    private let delay: UInt64
    private var held: [String: Held] = [:]
    /// In order of arrival.
    private var order = Deque<String>()
    /// Events that appeared on another channel too.
    private(set) var merged = 0
    private(set) var lines = 0

    init(limit: Int = 8_192, delay: UInt64 = 500_000_000) {
        self.limit = limit
        self.delay = delay
    }

    /// Takes an event.
    /// - Returns: Lines that are due, each with its end.
    mutating func take(_ event: Event, now: UInt64) -> [UInt8] {
        guard let colon = event.channel.utf8.firstIndex(of: UInt8(ascii: ":")) else { return [] }
        let type = String(event.channel[..<colon])
        let key = String(event.channel[event.channel.utf8.index(after: colon)...])
        // Ids are unique per source, which is not delivered; the time distinguishes events of two sources.
        let identity = "\(type) \(event.time) \(event.id)"
        if var known = self.held[identity], known.data == event.data, !known.keys.contains(key) {
            known.keys.append(key)
            self.held[identity] = known
            self.merged += 1
            return self.release(now: now)
        }
        var bytes: [UInt8] = []
        if let known = self.held[identity] {
            // Another event under the same name: the first is complete.
            bytes += self.line(known)
        } else {
            self.order.append(identity)
        }
        self.held[identity] = Held(type: type, keys: [key], time: event.time, data: event.data, since: now)
        return bytes + self.release(now: now)
    }

    /// Lines of events that have been held for long enough.
    mutating func release(now: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        while let first = self.order.first, let event = self.held[first],
            self.order.count > self.limit || now &- event.since >= self.delay
        {
            self.order.removeFirst()
            self.held[first] = nil
            bytes += self.line(event)
        }
        return bytes
    }

    /// The lines of all events that are left.
    mutating func finish() -> [UInt8] {
        var bytes: [UInt8] = []
        while let first = self.order.popFirst() {
            if let event = self.held.removeValue(forKey: first) { bytes += self.line(event) }
        }
        return bytes
    }

    private mutating func line(_ event: Held) -> [UInt8] {
        self.lines += 1
        var writer = JSON.Writer(reservingCapacity: event.data.count + 128)
        writer.beginObject()
        writer.member("type", string: event.type)
        writer.name("keys")
        writer.beginArray()
        for key in event.keys { writer.string(key) }
        writer.endArray()
        writer.member("time", string: event.time)
        writer.member("data", raw: event.data)
        writer.endObject()
        return writer.bytes + [UInt8(ascii: "\n")]
    }
}
