// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
import Server

/// TLS, limits and access control.
extension Settings {
    /// Burst of a client, in multiples of its rate per second: a subscriber of many channels begins with a
    /// message for each.
    private static let inboundBurst = 10
    /// Burst of a service, in multiples of its rate per second.
    private static let publishBurst = 2

    static func readGuarding(
        _ edge: inout EdgeConfiguration,
        _ hub: inout HubConfiguration,
        _ reader: inout SettingsReader
    ) -> (tls: ServerTLS?, countries: BlockedCountries?) {
        let head = reader.duration(.headTimeout, in: .seconds(1) ... .seconds(300))
        edge.headSeconds = head.wholeSeconds
        edge.bodyTime = reader.duration(.bodyTimeout, in: .seconds(1) ... .seconds(3600))
        edge.idleTime = reader.duration(.idleTimeout, in: .seconds(1) ... .seconds(3600))
        edge.origins =
            reader.value(.allowedOrigins, "any, or origins such as https://app.example.com, separated by spaces") {
                $0 == "any" ? .any : AllowedOrigins(Self.words($0))
            } ?? .any
        edge.admission.trustedProxies = Self.prefixes(.trustedProxies, &reader)
        let anyNumber = 1...1_000_000_000
        edge.admission.connectionsPerAddress = reader.numberOrOff(.maxConnectionsPerAddress, in: anyNumber)
        edge.admission.memoryBytes = reader.bytesOrOff(.maxMemory, in: 64 << 20...1 << 50)
        edge.inbound.messages = reader.numberOrOff(.maxMessageRate, in: anyNumber).map {
            AllowedRate(perSecond: $0, burst: Self.inboundBurst * $0)
        }
        edge.inbound.bytes = reader.bytesOrOff(.maxByteRate, in: 1 << 10...1 << 40).map {
            AllowedRate(perSecond: $0, burst: Self.inboundBurst * $0)
        }
        hub.connectionsPerUser = reader.numberOrOff(.maxConnectionsPerUser, in: anyNumber)
        hub.publishRate = reader.numberOrOff(.maxPublishRate, in: anyNumber).map {
            AllowedRate(perSecond: $0, burst: Self.publishBurst * $0)
        }
        hub.admission.rate = reader.numberOrOff(.maxConnectionRate, in: anyNumber).map {
            AllowedRate(perSecond: $0, burst: $0)
        }
        hub.admission.lag = reader.durationOrOff(.maxLag, in: .milliseconds(100) ... .seconds(60))
        edge.tls = Self.files(&reader)
        edge.requiresPublisherCertificates =
            reader.value(.publisherCertificates, "off or required") { ["off": false, "required": true][$0] } ?? false
        if edge.requiresPublisherCertificates, edge.tls?.clientAuthority == nil {
            reader.addError(.publisherCertificates, "required, but there is no tls-client-ca to check them with")
        }
        return (Self.tls(edge.tls, &reader), Self.countries(&reader))
    }

    private static func words(_ text: String) -> [String] {
        text.split(whereSeparator: \.isWhitespace).map(String.init)
    }

    private static func prefixes(_ setting: Setting, _ reader: inout SettingsReader) -> [NetworkPrefix] {
        reader.value(setting, "addresses or CIDR ranges such as 10.0.0.0/8 ::1, separated by spaces") { text in
            let words = Self.words(text)
            let prefixes = words.compactMap { NetworkPrefix($0) }
            return prefixes.count == words.count ? prefixes : nil
        } ?? []
    }

    private static func files(_ reader: inout SettingsReader) -> TLSFiles? {
        let authority = reader.text(.tlsClientCA)
        switch (reader.text(.tlsCertificate), reader.text(.tlsKey)) {
        case (let certificate?, let key?):
            return TLSFiles(certificate: certificate, key: key, clientAuthority: authority)
        case (nil, nil):
            if authority != nil { reader.addError(.tlsClientCA, "is set, but no tls-certificate and tls-key") }
        case (_?, nil):
            reader.addError(.tlsCertificate, "and tls-key go together: set both or none")
        case (nil, _?):
            reader.addError(.tlsKey, "and tls-certificate go together: set both or none")
        }
        return nil
    }

    private static func tls(_ files: TLSFiles?, _ reader: inout SettingsReader) -> ServerTLS? {
        guard let files else { return nil }
        do throws(ServerTLS.Fault) {
            return try ServerTLS(files)
        } catch {
            for (path, message) in error.messages {
                let setting: Setting =
                    path == files.key ? .tlsKey : path == files.certificate ? .tlsCertificate : .tlsClientCA
                reader.addError(setting, message)
            }
            return nil
        }
    }

    private static func countries(_ reader: inout SettingsReader) -> BlockedCountries? {
        let countries = Self.words(reader.text(.blockedCountries) ?? "")
        guard let file = reader.text(.countryFile) else {
            if !countries.isEmpty { reader.addError(.blockedCountries, "is set, but no country-file") }
            return nil
        }
        do throws(BlockedCountries.Fault) {
            return try BlockedCountries(countries, file: file)
        } catch {
            for message in error.fileMessages { reader.addError(.countryFile, message) }
            for message in error.countryMessages { reader.addError(.blockedCountries, message) }
            return nil
        }
    }
}

extension SettingsReader {
    /// Nil if it is off.
    fileprivate mutating func numberOrOff(_ setting: Setting, in range: ClosedRange<Int>) -> Int? {
        self.note(setting, "off, or a whole number, \(range.lowerBound) to \(range.upperBound)")
        guard self.text(setting) != "off" else { return nil }
        return self.value(setting, "off or \(range.expectation())") { Int(decimal: $0, in: range) }
    }

    /// Nil if it is off.
    fileprivate mutating func bytesOrOff(_ setting: Setting, in range: ClosedRange<Int>) -> Int? {
        self.note(setting, "off, or a size, \(Quantity.text(ofBytes: range))")
        guard self.text(setting) != "off" else { return nil }
        let expectation = "off or a size such as 64KiB or 1GiB, from \(range.lowerBound) to \(range.upperBound) bytes"
        return self.value(setting, expectation) { text in
            Quantity.bytes(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}
