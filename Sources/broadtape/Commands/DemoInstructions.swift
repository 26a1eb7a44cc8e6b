// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import Server

/// What `serve --demo` prints: commands for another terminal, wherever the program is and however the hub is reached.
struct DemoInstructions {
    /// User of the trace whose token is printed.
    static let user = "u_42"

    private let url: String
    /// Lines of `export`.
    private let exports: [String]
    private let settings: Settings

    /// - Parameters:
    ///   - address: Where the hub listens.
    ///   - token: Nil if the hub has no secret to sign one with.
    init(_ settings: Settings, at address: SocketAddress, token: String?) {
        self.settings = settings
        let files = settings.edge.tls
        let names = files.flatMap { try? CertificateNames($0.certificate) }
        let host = Self.host(settings.edge.host, address, names: names?.hosts)
        self.url = "\(files == nil ? "http" : "https")://\(host):\(address.port ?? settings.edge.port)"
        var exports = ["BROADTAPE_URL=\(self.url)"]
        if let token { exports.append("BROADTAPE_TOKEN=\(token)") }
        if let files, names?.isSelfIssued == true {
            exports.append("BROADTAPE_CA=" + Self.quoted(URL(fileURLWithPath: files.certificate).path))
        }
        self.exports = exports.map { "export " + $0 }
    }

    /// A host that leads to the address and, with TLS, is in the certificate.
    private static func host(_ host: String, _ address: SocketAddress, names: [String]?) -> String {
        let loopback = ["0.0.0.0": "127.0.0.1", "::": "::1"]
        let own = address.ipAddress.flatMap { loopback[$0] } ?? host
        let known = [own, "127.0.0.1", "::1", "localhost"].first { names?.contains($0) ?? true }
        let chosen = known ?? names?.first { !$0.hasPrefix("*") } ?? own
        return chosen.contains(":") ? "[\(chosen)]" : chosen
    }

    /// The program as it can be called from anywhere.
    private static var program: String {
        let name = CommandLine.arguments.first ?? "broadtape"
        guard !name.contains("/") else { return Self.quoted(URL(fileURLWithPath: name).path) }
        let folders = Variable.value("PATH")?.split(separator: ":").filter { $0.hasPrefix("/") } ?? []
        let isFound = folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
        return Self.quoted(isFound ? name : Bundle.main.executablePath ?? name)
    }

    /// As a word of a shell.
    private static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "/._-+:@%".utf8.contains(byte)
        }
        return isPlain ? text : "'" + text.replacing("'", with: #"'\''"#) + "'"
    }

    var text: String {
        let socket = "ws" + self.url.dropFirst("http".count)
        let hasToken = self.exports.contains { $0.contains("BROADTAPE_TOKEN") }
        let page = "Open \(self.url)/ in a browser: rates move, and a token shows its user's money there.\n\n"
        let token =
            hasToken
            ? "A token of user \(Self.user), valid for a day, that may also publish:"
            : "Tokens come from your issuer; put one of user \(Self.user) into BROADTAPE_TOKEN."
        let certificate =
            self.settings.edge.requiresPublisherCertificates
            ? " (with a client certificate in BROADTAPE_CERTIFICATE and BROADTAPE_KEY)" : ""
        return """

            Broadtape listens on \(self.url)  (WebSocket: \(socket)/ws)

            \(self.settings.servesPage ? page : "")\(token)

              \(self.exports.joined(separator: "\n  "))

            Paste these lines into another terminal, then watch rates, or the user's transactions and balances:

              \(Self.program) tail rateChange:BTC/USDT
              \(Self.program) tail transactionUpdate balanceUpdate

            and publish a transaction\(certificate):

              echo '{"type":"transactionUpdate","keys":["u_42","u_77"],"data":{"type":"p2p","amount":"12.50","status":"pending"}}' | \(Self.program) publish

            A trace of rates, balances and transactions is playing. Ctrl-C stops the hub; published events are kept.

            """
    }
}
