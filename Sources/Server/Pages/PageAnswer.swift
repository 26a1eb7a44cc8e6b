// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdCore
import Pages

/// Serves the pages, with security headers that protect them in the browser.
struct PageAnswer {
    let part: Page.Part

    /// Adds the routes of the files.
    func add(to router: Router<EdgeContext>) {
        for page in Page.all(of: self.part) {
            let file = ServedFile(
                page.bytes,
                contentType: page.contentType,
                fields: [.crossOriginResourcePolicy: "same-origin"]
            )
            file.add(to: router, at: page.path) { request in
                [
                    .contentSecurityPolicy: self.policy(for: request.head.authority), .referrerPolicy: "no-referrer",
                    .frameOptions: "DENY", .openerPolicy: "same-origin",
                ]
            }
        }
    }

    /// The Content-Security-Policy: only files of this port, no inline scripts or styles, no frames, no forms. Text
    /// never becomes markup (trusted types without a policy).
    private func policy(for authority: String?) -> String {
        var sources = "'self'"
        // Not every browser includes WebSockets of the same origin in 'self'.
        if case .live = self.part, let authority, Self.isPlain(authority) {
            sources += " ws://\(authority) wss://\(authority)"
        }
        return """
            default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src \(sources); \
            base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
            trusted-types 'none'
            """
    }

    /// Whether the authority contains no characters that could extend the policy.
    private static func isPlain(_ authority: String) -> Bool {
        authority.wholeMatch(of: #/[A-Za-z0-9.\-:\[\]]{1,255}/#) != nil
    }
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy = Self(known: "Referrer-Policy")
    fileprivate static let frameOptions = Self(known: "X-Frame-Options")
    fileprivate static let openerPolicy = Self(known: "Cross-Origin-Opener-Policy")

    /// - Parameter name: A valid token (RFC 9110 §5.6.2), known at compile time.
    init(known name: StaticString) {
        self = Self(name.description) ?? .server
    }
}
