// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Foundation
import JSON

/// How a run shows who it is.
package enum Access: Sendable {
    /// Without tokens: only for a hub that asks for none.
    case anonymous
    /// One token for publishing and for every subscriber.
    case token(String)
    /// A token for each of them, made here.
    case secret(TokenMaker)

    /// Whether everybody can have a token of their own.
    package var makesTokens: Bool {
        switch self {
        case .anonymous, .token: false
        case .secret: true
        }
    }

    private static let lifetime = 24 * 60 * 60
    private static let service = "broadtape-load"

    private static var expires: Int { Int(clamping: Date().timeIntervalSince1970, to: .seq) + Self.lifetime }

    /// The publisher's token.
    var publishing: String? {
        switch self {
        case .anonymous: nil
        case .token(let token): token
        // Each run is a source of its own.
        case .secret(let maker):
            maker.token(subject: Self.service, scopes: ["publish:*", "source:*"], expires: Self.expires)
        }
    }

    /// A subscriber's token.
    /// - Parameters:
    ///   - users: Those whose channels it follows; the first is who it is.
    ///   - types: The private types it follows.
    func subscribing(users: [String], types: [String]) -> String? {
        switch self {
        case .anonymous:
            nil
        case .token(let token):
            token
        case .secret(let maker):
            // A user reads the user's own channels; more than one user's need the scope.
            maker.token(
                subject: users.first ?? Self.service,
                scopes: users.count > 1 ? types.map { "read:\($0)" } : [],
                expires: Self.expires
            )
        }
    }

    /// A token that reads whatever there is, for listing and recording.
    var reading: String? {
        switch self {
        case .anonymous: nil
        case .token(let token): token
        case .secret(let maker):
            maker.token(subject: Self.service, scopes: ["read:*"], expires: Self.expires)
        }
    }
}
