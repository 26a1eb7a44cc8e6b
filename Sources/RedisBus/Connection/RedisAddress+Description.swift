// SPDX-License-Identifier: Apache-2.0

extension RedisAddress: CustomStringConvertible {
    /// The address without user and password.
    package var description: String {
        switch self.place {
        case .tcp(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            return "\(self.isSecure ? "rediss" : "redis")://\(name):\(port)/\(self.database)"
        case .unix(let path):
            return "redis+unix://\(path)?db=\(self.database)"
        }
    }
}

/// A password that no description shows, neither its own nor that of a value that has it.
package struct RedisPassword: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The password itself, for the server and nobody else.
    let secret: String

    package init(_ secret: String) {
        self.secret = secret
    }

    package var description: String { "…" }
    package var debugDescription: String { "…" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// A text without the password: a server may repeat what it did not understand.
    func removed(from text: String) -> String {
        text.split(separator: self.secret, omittingEmptySubsequences: false).joined(separator: "…")
    }
}
