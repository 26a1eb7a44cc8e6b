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
