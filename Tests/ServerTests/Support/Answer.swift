// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

/// An HTTP answer.
struct Answer: Sendable {
    var status: Int
    /// By name in lower case.
    var fields: [String: String]
    var body: [UInt8]

    var text: String {
        String(decoding: self.body, as: UTF8.self)
    }

    func json() throws -> JSON.Value {
        try JSON.Value.parse(self.body)
    }

    /// Reads the answer at the beginning of bytes; nil while it is not complete.
    static func parse(_ bytes: [UInt8], hasBody: Bool, hasEnded: Bool) -> (answer: Answer, length: Int)? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count > 1, let status = Int(words[1]) else { return nil }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            fields[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        var answer = Answer(status: status, fields: fields, body: [])
        let isBodiless = !hasBody || status == 101 || status == 204 || status == 304
        let length: Int
        if isBodiless {
            length = 0
        } else if let given = fields["content-length"].flatMap({ Int($0) }) {
            length = given
        } else {
            guard hasEnded else { return nil }
            length = bytes.count - end.upperBound
        }
        guard bytes.count >= end.upperBound + length else { return nil }
        answer.body = Array(bytes[end.upperBound..<end.upperBound + length])
        return (answer, end.upperBound + length)
    }

    /// Checks that it is an error as PROTOCOL.md has them: `application/problem+json` with its members.
    func expectProblem(_ status: Int, _ code: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(self.status == status, "\(self.text)", sourceLocation: sourceLocation)
        #expect(self.fields["content-type"] == "application/problem+json", sourceLocation: sourceLocation)
        let problem = try self.json()
        #expect(problem["type"]?.string == "urn:broadtape:error:\(code)", sourceLocation: sourceLocation)
        #expect(problem["status"]?.integer(in: .seq) == status, sourceLocation: sourceLocation)
        #expect(problem["title"]?.string?.isEmpty == false, sourceLocation: sourceLocation)
        #expect(problem["detail"]?.string?.isEmpty == false, sourceLocation: sourceLocation)
    }
}

extension JSON.Value {
    /// The value as text, for comparing whole answers.
    var written: String {
        String(decoding: self.compacted(), as: UTF8.self)
    }

    /// The names of an object's members, in order.
    var names: [String] {
        self.members.map(\.name)
    }
}
