// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import Testing

/// Every error code is documented.
struct ErrorDocumentationTests {
    private let text: String

    init() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        self.text = try String(contentsOf: root.appendingPathComponent("docs/errors.md"), encoding: .utf8)
    }

    @Test(arguments: ErrorCode.allCases)
    func everyCodeHasItsSection(code: ErrorCode) {
        #expect(self.text.contains("\n### `\(code.rawValue)`\n"))
    }

    @Test(arguments: CloseReason.examples)
    func everyCloseCodeHasItsSection(reason: CloseReason) {
        #expect(self.text.contains("\n### \(reason.code)\n"), "\(reason)")
    }
}

extension CloseReason {
    /// One of each.
    static let examples: [CloseReason] = [
        .draining(reconnectAfter: 1), .tokenExpired, .slowConsumer(limit: .seconds(1)), .heartbeatTimeout, .overloaded,
        .disconnected,
        .badMessage("x"), .notAuthenticated("x"), .revoked, .tooManyConnections(limit: 1),
        .tooManySubscriptions(limit: 1), .rateLimited,
    ]
}
