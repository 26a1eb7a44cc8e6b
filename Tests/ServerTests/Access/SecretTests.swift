// SPDX-License-Identifier: Apache-2.0

import Foundation
import Secrets
import TestSupport
import Testing

/// Which texts are valid secrets, and that the same text is the same secret in every setting.
@Suite struct SecretTests {
    private static let good = "0123456789abcdef0123456789abcdef"

    /// From a variable and from a file.
    private static func both(_ text: String) async throws -> [Result<Secret, SecretLine.Invalid>] {
        var results = [Result { () throws(SecretLine.Invalid) in try Secret(text) }]
        try await withTemporaryFolder { folder in
            let path = folder + "/secret"
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            results.append(Result { () throws(SecretLine.Invalid) in try Secret(file: path) })
        }
        return results
    }

    @Test(arguments: ["", "\n", "\r\n"]) func oneLineEndIsNoPartOfIt(_ end: String) async throws {
        for result in try await Self.both(Self.good + end) {
            #expect(try result.get() == Secret(Self.good))
        }
    }

    @Test(arguments: [
        ("", "empty"), ("\n", "empty"), ("\r\n", "empty"), ("\n\n", "blanks"),
        (String(repeating: " ", count: 40), "blanks"), (String(repeating: "\u{A0}", count: 20), "blanks"),
        (String(repeating: "\t", count: 40) + "\n", "blanks"), ("s", "1 bytes"),
        (String(repeating: "s", count: 31), "31 bytes"), (String(repeating: "s", count: 31) + "\n", "31 bytes"),
        (String(repeating: "é", count: 15) + "\r\n", "30 bytes"), (Self.good + "\n\n", "line end"),
        (Self.good + "\n" + Self.good, "line end"), (Self.good + "\r", "line end"), (Self.good + "\u{0}", "control"),
        (Self.good + " ", "blank"), (" " + Self.good, "blank"), (Self.good + "\u{2028}", "line end"),
        ("\u{FEFF}" + Self.good, "byte order mark"),
    ])
    func whatIsNoneIsRefusedInBothPlaces(_ text: String, _ says: String) async throws {
        for result in try await Self.both(text) {
            guard case .failure(let invalid) = result else {
                Issue.record("\(text.debugDescription) was taken")
                continue
            }
            #expect(invalid.description.contains(says), "\(invalid)")
            #expect(!invalid.description.contains("0123456789"), "\(invalid)")
        }
    }

    @Test func filesThatCannotBeReadAreTold() async throws {
        try await withTemporaryFolder { folder in
            let (binary, large) = (folder + "/binary", folder + "/large")
            try Data(repeating: 0xC3, count: 40).write(to: URL(fileURLWithPath: binary))
            try Data(repeating: 0x61, count: 70_000).write(to: URL(fileURLWithPath: large))
            let files = [("", "name"), ("/nowhere/secret", "/nowhere/secret"), (binary, "UTF-8"), (large, "70000")]
            for (path, says) in files {
                let invalid = #expect(throws: SecretLine.Invalid.self) { try Secret(file: path) }
                #expect(invalid?.description.contains(says) == true, "\(String(describing: invalid))")
            }
        }
    }

    @Test func noDescriptionShowsIt() throws {
        let secret = try Secret(Self.good)
        #expect(!"\(secret) \(secret.debugDescription) \([secret])".contains("0123"))
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!dumped.contains("48") && !dumped.contains("0123"))
    }

    @Test func keysOfDifferentPurposesDiffer() throws {
        let (one, other) = (try Secret(Self.good), try Secret(Self.good + "x"))
        #expect(one.key(for: "a") == one.key(for: "a"))
        #expect(one.key(for: "a") != one.key(for: "b"))
        #expect(one.key(for: "a") != other.key(for: "a"))
        #expect(one.key(for: "a") != one.key)
    }
}
