// SPDX-License-Identifier: Apache-2.0

/// A file of the client for browsers, as it is served.
package struct Script: Sendable {
    /// Where the hub serves it.
    package let path: String
    /// For `Content-Type`.
    package let contentType: String
    /// UTF-8.
    package let bytes: [UInt8]

    /// The client: one ES module without dependencies.
    package static let module = Script(
        path: "/broadtape.js",
        contentType: "text/javascript; charset=utf-8",
        bytes: PackageResources.broadtape_js
    )

    /// What TypeScript has to know of it.
    package static let declarations = Script(
        path: "/broadtape.d.ts",
        contentType: "application/typescript; charset=utf-8",
        bytes: PackageResources.broadtape_d_ts
    )
}
