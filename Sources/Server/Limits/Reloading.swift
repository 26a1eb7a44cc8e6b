// SPDX-License-Identifier: Apache-2.0

/// Something that was read from files and can be read again while the hub runs.
package protocol Reloading: Sendable {
    /// The files; a change of one of them is a reason to read all of them again.
    var paths: [String] { get }

    /// Reads the files anew. Called on any thread, one call at a time. What was there before stays when it throws.
    func reload() throws
}
