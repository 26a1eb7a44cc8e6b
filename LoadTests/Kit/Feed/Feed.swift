// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import NIOCore

/// How a pump's events get to the hub.
///
/// Lives on the pump's loop.
protocol Feed: AnyObject {
    /// Most bytes of one request.
    var requestBytes: Int { get }
    /// Whether another request may be sent now. The pump is notified when that changes.
    var hasRoom: Bool { get }

    /// Sends consecutive events as one request, until it is answered: the pump gets ``Pump/answered(_:_:)``, or
    /// ``Pump/fail(_:)``.
    func send(_ events: Range<Int>, _ publications: [[UInt8]])

    /// Ends the connection.
    func close()
}

/// How a scenario's events get to the hub.
package enum Way: String, Sendable, CaseIterable {
    /// `publish` over a socket.
    case socket
    /// `POST /events`.
    case post
}

/// Which channel each event of a scenario is for.
struct Course: Sendable {
    enum Order: Sendable {
        /// One channel after the other.
        case inTurn
        /// Any, by a seed.
        case random(seed: UInt64)
    }

    /// The channels, at least one.
    let channels: [Int]
    let order: Order

    /// A function of the event's number alone.
    func channel(of event: Int) -> Int {
        switch self.order {
        case .inTurn:
            return self.channels[event % self.channels.count]
        case .random(let seed):
            // SplitMix64
            var mixed = seed &+ UInt64(truncatingIfNeeded: event) &* 0x9E37_79B9_7F4A_7C15
            mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
            return self.channels[Int(truncatingIfNeeded: (mixed ^ (mixed &>> 31)) % UInt64(self.channels.count))]
        }
    }
}
