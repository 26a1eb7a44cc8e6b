// SPDX-License-Identifier: Apache-2.0

import EventLog
import GRDB
import JSON

/// The SQL statements of an append, one method each.
struct AppendStatements {
    private let db: Database
    private let findEvent: Query
    private let insertEvent: Query
    private let insertAgeing: Query
    private let insertPosition: Query

    init(_ db: Database) throws {
        self.db = db
        self.findEvent = try Query(
            "SELECT fingerprint, positions FROM events WHERE event_id = ? AND source = ?",
            in: db
        )
        self.insertEvent = try Query(
            """
            INSERT INTO events (id, source, event_id, fingerprint, type, time, accepted, slot, positions, data, trace)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            in: db
        )
        self.insertAgeing = try Query("INSERT OR IGNORE INTO ageing (type, event) VALUES (?, ?)", in: db)
        self.insertPosition = try Query("INSERT INTO positions (channel, seq, event) VALUES (?, ?, ?)", in: db)
    }

    // MARK: Events

    func lastEvent() throws -> AppendCache.Last {
        let query = try Query("SELECT id, accepted FROM events ORDER BY id DESC LIMIT 1", in: self.db)
        return try query.first { row in
            AppendCache.Last(event: try row.integer(0), accepted: Timestamp(nanoseconds: row.int64(1)))
        } ?? AppendCache.Last(event: 0, accepted: Timestamp(nanoseconds: .min))
    }

    /// The fingerprint and the numbers stored under an event's ID.
    func standing(_ event: Event) throws -> (fingerprint: Fingerprint, known: [Int])? {
        try self.findEvent.bind(1, event.id)
        try self.findEvent.bind(2, event.source)
        return try self.findEvent.first { row in
            (Fingerprint(bytes: row.bytes(0)), try PositionList(parsing: row.bytes(1)).elements.map(\.seq))
        }
    }

    func addEvent(_ id: Int, _ event: Event, type: Int, accepted: Timestamp, positions: PositionList) throws {
        try self.insertEvent.bind(1, id)
        try self.insertEvent.bind(2, event.source)
        try self.insertEvent.bind(3, event.id)
        try self.insertEvent.bind(4, blob: event.fingerprint.bytes)
        try self.insertEvent.bind(5, type)
        try self.insertEvent.bind(6, event.time.nanoseconds)
        try self.insertEvent.bind(7, accepted.nanoseconds)
        try self.insertEvent.bind(8, event.slot)
        try self.insertEvent.bind(9, text: positions.text)
        try self.insertEvent.bind(10, text: event.data)
        try self.insertEvent.bind(11, nullable: event.trace?.traceparent)
        try self.insertEvent.run()
    }

    /// Adds an event to the retention queue, if it is not there.
    func age(event: Int, type: Int) throws {
        try self.insertAgeing.bind(1, type)
        try self.insertAgeing.bind(2, event)
        try self.insertAgeing.run()
    }

    // MARK: Positions

    func addPosition(_ channel: Int, seq: Int, event: Int) throws {
        try self.insertPosition.bind(1, channel)
        try self.insertPosition.bind(2, seq)
        try self.insertPosition.bind(3, event)
        try self.insertPosition.run()
    }

    func event(at seq: Int, of channel: Int) throws -> Int? {
        let query = try Query("SELECT event FROM positions WHERE channel = ? AND seq = ?", in: self.db)
        try query.bind(1, channel)
        try query.bind(2, seq)
        return try query.first { try $0.integer(0) }
    }

    func newest(_ channel: Int, _ slot: String) throws -> Int? {
        let query = try Query("SELECT event FROM newest WHERE channel = ? AND slot = ?", in: self.db)
        try query.bind(1, channel)
        try query.bind(2, slot)
        return try query.first { try $0.integer(0) }
    }

    func setNewest(_ channel: Int, _ slot: String, seq: Int, event: Int) throws {
        let query = try Query(
            """
            INSERT INTO newest (channel, slot, seq, event) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET seq = excluded.seq, event = excluded.event
            """,
            in: self.db
        )
        try query.bind(1, channel)
        try query.bind(2, slot)
        try query.bind(3, seq)
        try query.bind(4, event)
        try query.run()
    }

    // MARK: Channels and types

    func channel(_ name: String) throws -> AppendCache.Channel? {
        let query = try Query(
            """
            SELECT id, slotted, kept,
                (SELECT seq FROM positions WHERE channel = channels.id ORDER BY seq DESC LIMIT 1)
            FROM channels WHERE name = ?
            """,
            in: self.db
        )
        try query.bind(1, name)
        return try query.first { row in
            AppendCache.Channel(
                id: try row.integer(0),
                head: try row.integer(3),
                isSlotted: try row.integer(1) != 0,
                isKept: try row.integer(2) != 0
            )
        }
    }

    func addChannel(_ name: String, slotted: Bool) throws -> AppendCache.Channel {
        let query = try Query("INSERT INTO channels (name, slotted) VALUES (?, ?)", in: self.db)
        try query.bind(1, name)
        try query.bind(2, slotted ? 1 : 0)
        try query.run()
        return AppendCache.Channel(
            id: Int(clamping: self.db.lastInsertedRowID),
            head: 0,
            isSlotted: slotted,
            isKept: false
        )
    }

    func setSlotted(_ channel: Int) throws {
        let query = try Query("UPDATE channels SET slotted = 1 WHERE id = ?", in: self.db)
        try query.bind(1, channel)
        try query.run()
    }

    func setNotKept(_ channel: Int) throws {
        let query = try Query("UPDATE channels SET kept = 0 WHERE id = ?", in: self.db)
        try query.bind(1, channel)
        try query.run()
    }

    /// The number of an event type, assigned if it is new.
    func type(_ name: String) throws -> Int {
        let find = try Query("SELECT id FROM types WHERE name = ?", in: self.db)
        try find.bind(1, name)
        if let id = try find.first({ try $0.integer(0) }) { return id }
        let add = try Query("INSERT INTO types (name) VALUES (?)", in: self.db)
        try add.bind(1, name)
        try add.run()
        return Int(clamping: self.db.lastInsertedRowID)
    }
}

/// The positions of one event as `events.positions` holds them: a JSON array `[channel, seq, channel, seq …]` in the
/// order of the event's keys.
struct PositionList {
    struct Element: Equatable {
        /// `channels.id`.
        var channel: Int
        var seq: Int
    }

    var elements: [Element]

    init(_ elements: [Element]) {
        self.elements = elements
    }

    /// Reads what ``text`` wrote.
    init(parsing text: [UInt8]) throws(TapeFault) {
        let numbers = text.dropFirst().dropLast().split(separator: UInt8(ascii: ","))
            .map { Int(decimal: $0, in: .seq) }
        self.elements = []
        for index in stride(from: 0, to: numbers.count - 1, by: 2) {
            guard let channel = numbers[index], let seq = numbers[index + 1] else { break }
            self.elements.append(Element(channel: channel, seq: seq))
        }
        guard !self.elements.isEmpty, self.elements.count * 2 == numbers.count else {
            throw .damaged("malformed list of positions: \(String(decoding: text, as: UTF8.self))")
        }
    }

    var text: [UInt8] {
        var text = [UInt8(ascii: "[")]
        text.reserveCapacity(16 * self.elements.count)
        for element in self.elements {
            if text.count > 1 { text.append(UInt8(ascii: ",")) }
            Self.append(element.channel, to: &text)
            text.append(UInt8(ascii: ","))
            Self.append(element.seq, to: &text)
        }
        text.append(UInt8(ascii: "]"))
        return text
    }

    /// - Parameter number: Not negative.
    private static func append(_ number: Int, to text: inout [UInt8]) {
        let start = text.count
        var rest = number
        repeat {
            text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        text[start...].reverse()
    }
}
