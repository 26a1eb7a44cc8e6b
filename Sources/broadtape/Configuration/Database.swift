// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Logging
import PostgresStore
import SQLiteStore

/// Where events are stored.
enum Database: Equatable {
    case sqlite(path: String)
    case postgres(url: String)
    case memory

    static let expectation = "sqlite:PATH, postgres://USER@HOST/NAME or memory:"

    /// - Parameter password: For Postgres, in place of one in the URL.
    init?(_ text: String, password: String?) {
        if text == "memory:" {
            self = .memory
        } else if let scheme = text.firstRange(of: "://"),
            ["postgres", "postgresql"].contains(text[..<scheme.lowerBound].lowercased())
        {
            guard let password else {
                self = .postgres(url: text)
                return
            }
            let unreserved = CharacterSet(charactersIn: "-._~").union(.alphanumerics)
            guard let encoded = password.addingPercentEncoding(withAllowedCharacters: unreserved) else { return nil }
            self = .postgres(url: text + (text.contains("?") ? "&" : "?") + "password=" + encoded)
        } else {
            guard text.hasPrefix("sqlite:") else { return nil }
            let path = text.dropFirst("sqlite:".count)
            guard !path.isEmpty else { return nil }
            self = .sqlite(path: String(path))
        }
    }

    /// Opens the database, creating it if there is none.
    /// - Parameters:
    ///   - allowsMigration: Whether an older schema may be migrated.
    ///   - examines: Whether to check the file and refuse a damaged one.
    func open(
        allowsMigration: Bool,
        examines: Bool = true,
        logger: Logger
    ) async throws(ConfigurationFault) -> Storage {
        do throws(TapeFault) {
            switch self {
            case .memory:
                logger.warning("the tape is in memory: events do not survive this process")
                return Storage(MemoryTape())
            case .sqlite(let path):
                let tape = try await SQLiteTape(
                    path: path,
                    allowMigration: allowsMigration,
                    examines: examines,
                    logger: logger
                )
                logger.info("tape", metadata: ["path": "\(path)", "journal": "WAL", "synchronous": "FULL"])
                return Storage(tape)
            case .postgres(let url):
                return Storage(
                    try await PostgresTape(url: url, allowMigration: allowsMigration, logger: logger)
                )
            }
        } catch {
            throw ConfigurationFault(error)
        }
    }
}
