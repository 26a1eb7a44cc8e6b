// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// Why events were not appended.
package enum AppendFault: Error, Sendable, Equatable {
    case unavailable(TapeFault)
    /// Too many events are waiting to be committed.
    case overloaded
    /// The hub is shutting down.
    case stopping
}
