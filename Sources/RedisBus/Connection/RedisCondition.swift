// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
package import NIOCore

/// Properties of a Redis server that matter to a hub.
package struct RedisCondition: Sendable {
    /// Limits above which slow subscribers are disconnected, in bytes: immediately above `hard`, and after `seconds`
    /// above `soft`; 0 is no limit.
    package struct OutputLimit: Sendable, Equatable {
        package var hard: Int
        package var soft: Int
        package var seconds: Int
    }

    package internal(set) var version = ""
    package internal(set) var role = ""
    package internal(set) var clients = 0
    package internal(set) var maxClients = 0
    /// The server's clock, halfway through ``roundTrip``.
    package internal(set) var clock = Timestamp(nanoseconds: 0)
    package internal(set) var roundTrip: Duration = .zero
    /// Limit of pub/sub clients; nil if this user has no permission to read it.
    package internal(set) var outputLimit: OutputLimit?

    /// Connects, queries and disconnects, within ``RedisOptions/connectTimeout`` and ``RedisOptions/silence``.
    package static func look(with connector: RedisConnector, on loop: any EventLoop) async throws(RedisEnding) -> Self {
        let examiner = Examiner(loop: loop)
        return try await withCheckedContinuation { continuation in
            loop.execute { examiner.begin(with: connector, continuation) }
        }.get()
    }
}

/// Sends the queries one after the other. Confined to the loop.
private final class Examiner: RedisReceiver {
    private typealias Answer = CheckedContinuation<Result<RedisCondition, RedisEnding>, Never>

    private enum Question {
        case publishing
        case time(asked: NIODeadline)
        case info
        case outputLimit
        case done
    }

    private struct State {
        var question = Question.publishing
        var condition = RedisCondition()
        var connection: RedisConnection?
        var answer: Answer?
    }

    private static let channel = "broadtape.doctor"

    private let state: NIOLoopBoundBox<State>

    init(loop: any EventLoop) {
        self.state = .makeBoxSendingValue(State(), eventLoop: loop)
    }

    func begin(
        with connector: RedisConnector,
        _ answer: CheckedContinuation<Result<RedisCondition, RedisEnding>, Never>
    ) {
        self.state.value.answer = answer
        do throws(RedisFault) {
            // Publishing without subscribers checks the user's permission.
            let opening = RedisOpening.publish(channel: Self.channel, first: ByteBuffer())
            self.state.value.connection = try connector.connect(on: self.state.eventLoop, for: opening, receiver: self)
        } catch {
            self.finish(.failure(.fault(error)))
        }
    }

    func opened(_ connection: RedisConnection) {
        self.ask(.time(asked: .now()), ["TIME"], on: connection)
    }

    private func ask(_ question: Question, _ words: [String], on connection: RedisConnection) {
        self.state.value.question = question
        connection.send(RedisCommand.format(words))
        connection.flush()
    }

    func received(_ value: RedisValue, from connection: RedisConnection) {
        switch (self.state.value.question, value) {
        case (.time(let asked), .array(let parts)):
            let roundTrip = Duration.nanoseconds((NIODeadline.now() - asked).nanoseconds)
            let numbers = parts.compactMap { $0.text.flatMap { Int(decimal: $0, in: .seq) } }
            guard numbers.count == 2 else { return }
            self.state.value.condition.roundTrip = roundTrip
            self.state.value.condition.clock = Timestamp(nanoseconds: 0)
                .advanced(by: .seconds(numbers[0]) + .microseconds(numbers[1]))
            self.ask(.info, ["INFO"], on: connection)
        case (.info, .bulk(let text)):
            self.state.value.condition.read(info: String(decoding: text, as: UTF8.self))
            // The last query: if it is refused, the connection ends.
            self.ask(.outputLimit, ["CONFIG", "GET", "client-output-buffer-limit"], on: connection)
        case (.outputLimit, .array(let parts)):
            self.state.value.condition.outputLimit = parts.last?.text.flatMap { RedisCondition.OutputLimit(config: $0) }
            self.state.value.question = .done
            connection.end(.cancelled)
        default:
            // The reply to PUBLISH.
            break
        }
    }

    func becameWritable(_ connection: RedisConnection) {}

    func ended(_ ending: RedisEnding) {
        switch (self.state.value.question, ending) {
        case (.done, _), (.outputLimit, .refused): self.finish(.success(self.state.value.condition))
        default: self.finish(.failure(ending))
        }
    }

    private func finish(_ result: Result<RedisCondition, RedisEnding>) {
        self.state.value.connection = nil
        self.state.value.answer.take()?.resume(returning: result)
    }
}

extension RedisCondition {
    /// Parses the reply to `INFO`: lines of `name:value`.
    mutating func read(info: String) {
        for line in info.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = String(line[line.index(after: colon)...])
            switch line[..<colon] {
            case "redis_version": self.version = value
            case "role": self.role = value
            case "connected_clients": self.clients = Int(decimal: value, in: .seq) ?? 0
            case "maxclients": self.maxClients = Int(decimal: value, in: .seq) ?? 0
            default: break
            }
        }
    }
}

extension RedisCondition.OutputLimit {
    /// Parses `normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60`.
    init?(config: String) {
        let words = config.split(separator: " ")
        guard let place = words.firstIndex(of: "pubsub") else { return nil }
        let numbers = words[(place + 1)...].prefix(3).compactMap { Int(decimal: $0, in: .seq) }
        guard numbers.count == 3 else { return nil }
        self.init(hard: numbers[0], soft: numbers[1], seconds: numbers[2])
    }
}
