// SPDX-License-Identifier: Apache-2.0

/// An event declaration of a contract: `Investment(address indexed investor, uint256 amount, uint256 shares)`.
package struct EventSignature: Sendable, Equatable {
    /// One parameter of an event.
    package struct Parameter: Sendable, Equatable {
        package let name: String
        package let type: ValueType
        package let isIndexed: Bool
    }

    /// Why a text is not a valid event signature: a full sentence.
    package struct Invalid: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// Maximum number of topics of one log, including the signature.
    private static let maxTopics = 4

    package let name: String
    package let parameters: [Parameter]
    /// First topic of its logs.
    package let topic: Hash256

    /// Parses a declaration; a leading `event` and a trailing `;` are optional. An unnamed parameter is called `arg`
    /// followed by its index, counted from 0.
    package init(_ text: String) throws(Invalid) {
        func invalid(_ reason: String) -> Invalid {
            Invalid(description: "\"\(text.prefix(200))\" is not a valid event signature: \(reason)")
        }
        var rest = Self.trimmed(text[...])
        if rest.hasPrefix("event ") { rest = Self.trimmed(rest.dropFirst("event ".count)) }
        if rest.hasSuffix(";") { rest = Self.trimmed(rest.dropLast()) }
        guard let open = rest.firstIndex(of: "("), rest.last == ")" else {
            throw invalid("write it like Transfer(address indexed from, address indexed to, uint256 value)")
        }
        let name = Self.trimmed(rest[..<open])
        guard Self.isName(name) else { throw invalid("\"\(name)\" is not a valid name") }
        let list = Self.trimmed(rest[rest.index(after: open)...].dropLast())
        guard !list.contains(where: { $0 == "(" || $0 == ")" }) else { throw invalid("tuples are not supported") }
        var parameters: [Parameter] = []
        let parts = list.isEmpty ? [] : list.split(separator: ",", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            let words = part.split(whereSeparator: \.isWhitespace)
            guard let typeName = words.first else { throw invalid("parameter \(index) has no type") }
            guard let type = ValueType(typeName) else {
                throw invalid("\"\(typeName)\" is not a supported type (arrays and tuples are not)")
            }
            let isIndexed = words.count > 1 && words[1] == "indexed"
            let names = words.dropFirst(isIndexed ? 2 : 1)
            guard names.count <= 1 else { throw invalid("\"\(Self.trimmed(part))\" has too many words") }
            let parameterName = names.first.map(String.init) ?? "arg\(index)"
            guard Self.isName(parameterName[...]) else { throw invalid("\"\(parameterName)\" is not a valid name") }
            guard !parameters.contains(where: { $0.name == parameterName }) else {
                throw invalid("two parameters are named \(parameterName)")
            }
            parameters.append(Parameter(name: parameterName, type: type, isIndexed: isIndexed))
        }
        guard parameters.count(where: \.isIndexed) < Self.maxTopics else {
            throw invalid("more than \(Self.maxTopics - 1) parameters are indexed")
        }
        self.name = String(name)
        self.parameters = parameters
        self.topic = Keccak256.digest(Self.canonical(self.name, parameters).utf8)
    }

    /// The text that is hashed: `Investment(address,uint256,uint256)`.
    package var canonicalText: String {
        Self.canonical(self.name, self.parameters)
    }

    private static func canonical(_ name: String, _ parameters: [Parameter]) -> String {
        "\(name)(\(parameters.map(\.type.canonicalName).joined(separator: ",")))"
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"):
                true
            default: false
            }
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
