// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The blocked countries, and the file that maps addresses to countries.
package final class BlockedCountries: Sendable {
    /// Why the file or the list cannot be used.
    package struct Fault: Error, Equatable, CustomStringConvertible {
        package var fileMessages: [String] = []
        package var countryMessages: [String] = []

        package var description: String { (self.fileMessages + self.countryMessages).joined(separator: "; ") }
    }

    /// Maximum size of the file, in bytes.
    private static let fileBytes = 64 << 20

    private let path: String
    private let blocked: Set<CountryTable.Country>
    private let table: Mutex<CountryTable>

    /// - Parameters:
    ///   - countries: Country codes of two letters (ISO 3166-1).
    ///   - path: A file with one prefix and country per line.
    package init(_ countries: [String], file path: String) throws(Fault) {
        var fault = Fault()
        var blocked: Set<CountryTable.Country> = []
        for text in countries {
            if let country = CountryTable.Country(text) {
                blocked.insert(country)
            } else {
                fault.countryMessages.append(
                    "\"\(text.prefix(40))\" is not a country code of two letters, such as KP"
                )
            }
        }
        var table = CountryTable([])
        do throws(Fault) {
            table = try Self.read(path)
            for country in blocked.subtracting(table.known).sorted(by: { $0.description < $1.description }) {
                fault.countryMessages.append("\(country) is in no line of \(path), so nobody of it is blocked")
            }
        } catch {
            fault.fileMessages = error.fileMessages
        }
        guard fault == Fault() else { throw fault }
        self.blocked = blocked
        self.path = path
        self.table = Mutex(table)
    }

    /// Whether an address is in a blocked country.
    func blocks(_ address: NetworkAddress) -> Bool {
        let table = self.table.withLock { $0 }
        return table.country(of: address).map(self.blocked.contains) ?? false
    }

    private static func read(_ path: String) throws(Fault) -> CountryTable {
        guard let text = Self.text(of: path) else {
            throw Fault(fileMessages: ["\(path): it cannot be read, or has more than \(Self.fileBytes) bytes"])
        }
        do throws(CountryTable.Fault) {
            return try CountryTable(text)
        } catch {
            throw Fault(fileMessages: [
                "\(path):\(error.line): a line is a prefix and a country, such as 192.0.2.0/24,KP; "
                    + "\"\(error.text)\" is not"
            ])
        }
    }

    private static func text(of path: String) -> String? {
        guard let file = unsafe fopen(path, "r") else { return nil }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe fread(&block, 1, block.count, file)
            bytes += block.prefix(count)
            guard bytes.count <= Self.fileBytes else { return nil }
            guard count == block.count else { break }
        }
        guard unsafe ferror(file) == 0 else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension BlockedCountries: Reloading {
    package var paths: [String] { [self.path] }

    package func reload() throws {
        let table = try Self.read(self.path)
        self.table.withLock { $0 = table }
    }
}
