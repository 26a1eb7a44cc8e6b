// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The receiver of what happens on a connection.
///
/// Every method is called on the connection's event loop, once per event and in order; none may block.
/// All of ``Connection``'s methods may be called from within them.
package protocol ConnectionReceiver: AnyObject {
    /// The upgrade is complete; messages can be sent.
    func connectionOpened()

    /// A text message arrived. Its bytes may share storage with the read: copy what is kept for long.
    func connectionReceived(_ text: ByteBuffer)

    /// The connection has ended, or failed. Called once; nothing follows.
    func connectionEnded(_ ending: Ending)
}
