// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import NIOCore

/// Encodes messages of a session as Server-Sent Events (HTML standard §9.2), each with the `id` that resumes after it.
///
/// `event` is the op of the message, `id` is set if the message advances the stream, and `data` is the message as sent
/// to a WebSocket.
struct EventStream {
    /// Effect of a message on the stream.
    enum Meaning: Equatable {
        case nothing
        /// A subscription has begun.
        case subscribed
        /// A subscription was refused or has ended.
        case failed(ErrorCode, String)
    }

    private struct Track {
        let tag: String
        /// The channel name as JSON text, as in events.
        let name: [UInt8]
        /// Delivered position; nil while the channel cannot be resumed.
        var position: StreamID.Position?
        /// Epoch, once the subscription has begun.
        var epoch = ""
        /// Newest number of a snapshot that is being delivered.
        var snapshotHead: Int?
        /// Its part of an ID.
        var part: [UInt8] = []
    }

    private static let event = Array(#"{"op":"event","channel":"#.utf8)
    private static let snapshot = Array(#"{"op":"snapshot","channel":"#.utf8)
    private static let seq = Array(#","seq":"#.utf8)

    private var tracks: [Track]

    /// - Parameter channels: Channels, with positions if they are resumed.
    init(_ channels: [(name: ChannelName, position: StreamID.Position?)]) {
        self.tracks = channels.map { name, position in
            var text: [UInt8] = []
            JSON.Writer.append(name.description, to: &text)
            return Track(tag: StreamID.tag(of: name), name: text, position: position)
        }
        for index in self.tracks.indices { self.render(index) }
    }

    // MARK: - Out

    /// Appends the reconnection time of a client.
    static func append(retry milliseconds: Int, to text: inout ByteBuffer) {
        text.writeString("retry: \(milliseconds)\n\n")
    }

    /// Appends the reason why the hub ends the stream, like the close frame of a WebSocket.
    static func append(_ reason: CloseReason, to text: inout ByteBuffer) {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("op", string: "close")
        writer.member("code", integer: reason.code)
        writer.member("reason", string: reason.text)
        writer.endObject()
        Self.append("close", id: nil, writer.bytes, to: &text)
    }

    static func append(_ op: String, id: [UInt8]?, _ message: [UInt8], to text: inout ByteBuffer) {
        text.reserveCapacity(minimumWritableBytes: message.count + (id?.count ?? 0) + op.utf8.count + 32)
        text.writeStaticString("event: ")
        text.writeString(op)
        if let id {
            text.writeStaticString("\nid: ")
            text.writeBytes(id)
        }
        text.writeStaticString("\ndata: ")
        Self.append(data: message, to: &text)
        text.writeStaticString("\n\n")
    }

    /// Messages are compact JSON on one line. If one contains line breaks, each line is prefixed with `data`, so that a
    /// message cannot inject another event.
    private static func append(data message: [UInt8], to text: inout ByteBuffer) {
        guard message.contains(where: { $0 == 0x0A || $0 == 0x0D }) else {
            text.writeBytes(message)
            return
        }
        let lines = message.split(omittingEmptySubsequences: false) { $0 == 0x0A || $0 == 0x0D }
        for (index, line) in lines.enumerated() {
            if index > 0 { text.writeStaticString("\ndata: ") }
            text.writeBytes(line)
        }
    }

    /// Appends a message of the hub.
    mutating func append(_ message: [UInt8], to text: inout ByteBuffer) -> Meaning {
        if let (index, seq) = self.position(in: message, after: Self.event) {
            self.sent(index, seq)
            Self.append("event", id: self.id, message, to: &text)
            return .nothing
        }
        if let (index, seq) = self.position(in: message, after: Self.snapshot) {
            // Only after the last part: a client with less starts again.
            if let head = self.tracks[index].snapshotHead, seq >= head { self.sent(index, seq) }
            Self.append("snapshot", id: self.id, message, to: &text)
            return .nothing
        }
        guard let value = try? JSON.Value.parse(message), let op = value["op"]?.string else { return .nothing }
        let meaning = Self.meaning(of: value, op)
        Self.append(op, id: meaning == .subscribed ? self.id : nil, message, to: &text)
        return meaning
    }

    private static func meaning(of message: JSON.Value, _ op: String) -> Meaning {
        switch op {
        case "subscribed":
            .subscribed
        case "error":
            .failed(
                message["code"]?.string.flatMap { ErrorCode(rawValue: $0) } ?? .unavailable,
                message["message"]?.string ?? ""
            )
        default:
            .nothing
        }
    }

    // MARK: - Positions

    private var id: [UInt8] {
        self.tracks.reduce(into: StreamID.opening) { id, track in id += track.part }
    }

    /// Processes a message that is appended later, after all subscriptions have begun, so that even the first ID
    /// contains all channels.
    mutating func look(at message: [UInt8]) -> Meaning {
        guard !message.starts(with: Self.event), !message.starts(with: Self.snapshot),
            let value = try? JSON.Value.parse(message), let op = value["op"]?.string
        else { return .nothing }
        let meaning = Self.meaning(of: value, op)
        if meaning == .subscribed { self.subscribed(value) }
        return meaning
    }

    private mutating func subscribed(_ message: JSON.Value) {
        guard let channel = message["channel"]?.string, let head = message["head"]?.integer(in: .seq),
            let epoch = message["epoch"]?.string
        else { return }
        var name: [UInt8] = []
        JSON.Writer.append(channel, to: &name)
        guard let index = self.tracks.firstIndex(where: { $0.name == name }) else { return }
        self.tracks[index].epoch = epoch
        switch message["mode"]?.string {
        case ServerMessage.Mode.resumed.rawValue:
            // Delivered up to the client's position; the epoch is known now.
            if let seq = self.tracks[index].position?.seq { self.sent(index, seq) }
        case ServerMessage.Mode.snapshot.rawValue:
            self.tracks[index].position = nil
            self.tracks[index].snapshotHead = head
            self.render(index)
        default:
            self.sent(index, head)
        }
    }

    private mutating func sent(_ index: Int, _ seq: Int) {
        self.tracks[index].position = StreamID.Position(epoch: self.tracks[index].epoch, seq: seq)
        self.tracks[index].snapshotHead = nil
        self.render(index)
    }

    private mutating func render(_ index: Int) {
        let track = self.tracks[index]
        self.tracks[index].part = track.position.map { StreamID.part(track.tag, $0) } ?? []
    }

    /// Reads channel and number of an event without parsing its data; nil for other messages.
    private func position(in message: [UInt8], after opening: [UInt8]) -> (track: Int, seq: Int)? {
        guard message.starts(with: opening) else { return nil }
        let rest = message[opening.count...]
        guard let index = self.tracks.firstIndex(where: { rest.starts(with: $0.name) }) else { return nil }
        let behind = rest.dropFirst(self.tracks[index].name.count)
        guard behind.starts(with: Self.seq) else { return nil }
        let digits = behind.dropFirst(Self.seq.count).prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        return Int(decimal: digits, in: .seq).map { (index, $0) }
    }
}
