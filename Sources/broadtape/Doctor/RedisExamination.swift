// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore
import NIOPosix
import RedisBus

/// Checks whether Redis can carry the messages between nodes.
struct RedisExamination {
    private static let subject = "redis"
    /// Minimum output buffer limit, in bytes. With less, Redis disconnects a slow node again while it catches up.
    private static let leastOutput = 16 << 20
    private static let mostTaken = 0.8

    let address: RedisAddress

    func findings() async -> [Finding] {
        do throws(RedisEnding) {
            let connector = try RedisConnector(to: self.address)
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let condition = try await RedisCondition.look(with: connector, on: loop)
            return Self.judge(condition, here: .now)
        } catch {
            return [.failure(Self.subject, "\(error)")]
        }
    }

    static func judge(_ condition: RedisCondition, here: Timestamp) -> [Finding] {
        var findings = [Finding.good(Self.subject, "\(condition.version), \(condition.roundTrip) a round trip")]
        if condition.role != "master" {
            findings.append(
                .failure(
                    Self.subject,
                    "is a \(condition.role): messages published there do not reach the other nodes; use the master"
                )
            )
        }
        if condition.maxClients > 0, Double(condition.clients) > Double(condition.maxClients) * Self.mostTaken {
            findings.append(
                .warning(
                    Self.subject,
                    "\(condition.clients) of \(condition.maxClients) clients are connected: raise maxclients"
                )
            )
        }
        findings.append(Self.judge(condition.outputLimit))
        let difference = ClockDifference(
            subject: "redis clock",
            there: condition.clock,
            roundTrip: condition.roundTrip,
            here: here
        )
        return findings + [difference.finding]
    }

    private static func judge(_ limit: RedisCondition.OutputLimit?) -> Finding {
        let subject = "redis output"
        guard let limit else {
            return .warning(
                subject,
                "this user may not read client-output-buffer-limit; make sure that pubsub has 64mb 16mb 30"
            )
        }
        let text = "pubsub \(limit.hard) \(limit.soft) \(limit.seconds)"
        let isTight = [limit.hard, limit.soft].contains { $0 > 0 && $0 < Self.leastOutput }
        return isTight
            ? .warning(
                subject,
                "\(text): a slow node is disconnected early; set client-output-buffer-limit to pubsub 64mb 16mb 30"
            )
            : .good(subject, text)
    }
}
