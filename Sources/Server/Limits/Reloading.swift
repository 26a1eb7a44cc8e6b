// SPDX-License-Identifier: Apache-2.0

/// A value read from files that can be reloaded while the hub runs.
package protocol Reloading: Sendable {
    /// The files; a change of any of them reloads all.
    var paths: [String] { get }

    /// Reads the files again. Called on any thread, one call at a time. If it throws, the previous value stays in use.
    func reload() throws
}
