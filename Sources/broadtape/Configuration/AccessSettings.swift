// SPDX-License-Identifier: Apache-2.0

import Foundation
import Server

/// Access settings: token keys, services and the audit trail.
struct AccessSettings {
    /// From `jwt-keys`.
    var keys: [VerificationKey] = []
    var jwksURL: String?
    var published = PublishedKeys.Limits()
    var rules = TokenRules()
    var services: [ServiceAccount] = []

    /// Whether public keys are configured. If so, the shared secret is used only when it is set explicitly.
    var hasPublicKeys: Bool {
        !self.keys.isEmpty || self.jwksURL != nil
    }

    init(_ reader: inout SettingsReader, services: [ServiceAccount]) async {
        self.services = services
        for place in reader.text(.jwtKeys)?.split(whereSeparator: \.isWhitespace) ?? [] {
            self.keys += await Self.keys(String(place), &reader)
        }
        self.jwksURL = reader.value(.jwksURL, "an https:// URL, or an http:// URL on this machine") { text in
            guard let host = HTTPAddress.host(of: text) else { return nil }
            let isLocal = ["127.0.0.1", "::1", "localhost"].contains(host)
            return text.hasPrefix("https:") || isLocal ? text : nil
        }
        self.published.stale = reader.duration(.jwksMaxStale, in: .zero ... .seconds(30 * 86_400))
        self.rules.issuer = reader.text(.jwtIssuer)
        self.rules.audiences = reader.text(.jwtAudience)?.split(whereSeparator: \.isWhitespace).map(String.init) ?? []
        self.rules.maxAge = reader.durationOrOff(.maxTokenAge, in: .seconds(60) ... .seconds(3650 * 86_400))
    }

    /// Reads `PATH` or `KID=PATH`.
    private static func keys(_ place: String, _ reader: inout SettingsReader) async -> [VerificationKey] {
        let parts = place.split(separator: "=", maxSplits: 1)
        let (id, path) = parts.count == 2 ? (String(parts[0]), String(parts[1])) : (nil, place)
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            reader.addError(.jwtKeys, "\(path): cannot be read (\(error.localizedDescription))")
            return []
        }
        do throws(KeySet.Invalid) {
            return try await KeySet(file: text, id: id).keys
        } catch {
            reader.addError(.jwtKeys, "\(path): \(error)")
            return []
        }
    }
}
