// SPDX-License-Identifier: Apache-2.0

package import JSON

/// Changes valid documents in a place or some, to what nobody would send in good faith: the same for the same seed.
///
/// What comes out is mostly JSON; that a reader refuses what is none is for the targets of bytes.
package struct ValueMutator: Sendable {
    private let values: HostileValues
    private var random: SplitMix

    package init(_ values: HostileValues, seed: UInt64) {
        self.values = values
        self.random = SplitMix(seed: seed)
    }

    // MARK: Choosing

    package mutating func chance(of hundred: Int) -> Bool {
        Int.random(in: 0..<100, using: &self.random) < hundred
    }

    package mutating func pick<Choices: Collection>(_ choices: Choices) -> Choices.Element? {
        choices.randomElement(using: &self.random)
    }

    /// What can be between quotation marks.
    package mutating func content() -> [UInt8] {
        let kind = Int.random(in: 0..<200, using: &self.random)
        let choices =
            switch kind {
            case 0..<90: self.values.texts
            case 90..<130: self.values.times
            case 130..<160: self.values.numbers
            case 160..<199: self.values.long
            default: self.values.huge
            }
        return self.pick(choices) ?? []
    }

    /// A text that such a content means.
    package mutating func text() -> String {
        let content = self.content()
        return (try? JSON.Value.parse(Array("\"".utf8) + content + Array("\"".utf8)))?.string
            ?? String(decoding: content, as: UTF8.self)
    }

    private mutating func leaf() -> Node {
        switch Int.random(in: 0..<10, using: &self.random) {
        case 0..<4: .leaf(self.pick(self.values.numbers) ?? [])
        case 4..<8: .quoted(self.content())
        default: .leaf(self.pick(self.values.values) ?? [])
        }
    }

    // MARK: Changing

    /// A document with 1 to 4 changes.
    package mutating func mutated(_ document: JSON.Value) -> [UInt8] {
        var root = Node(document)
        for _ in 0..<Int.random(in: 1...4, using: &self.random) {
            let count = root.count
            if count == 0 || self.chance(of: 3) {
                root = self.instead(of: root)
            } else {
                root.change(part: Int.random(in: 0..<count, using: &self.random)) { self.change(&$0, at: $1) }
            }
        }
        var text: [UInt8] = []
        root.write(to: &text)
        return text
    }

    private mutating func change(_ parts: inout [Node.Part], at index: Int) {
        switch Int.random(in: 0..<100, using: &self.random) {
        case 0..<44:
            parts[index].value = self.leaf()
        case 44..<66:
            parts[index].value = self.close(to: parts[index].value)
        case 66..<74:
            parts.remove(at: index)
        case 74..<80:
            // Two members of one name are no JSON here.
            var copy = parts[index]
            if copy.name != nil { copy.name = (copy.name ?? []) + Array("2".utf8) }
            let times = self.pick([1, 1, 1, 2, 17, 300]) ?? 1
            parts.insert(contentsOf: [Node.Part](repeating: copy, count: copy.name == nil ? times : 1), at: index)
        case 80..<86:
            if parts[index].name != nil { parts[index].name = self.pick(self.values.members) }
        case 86..<92:
            if let other = self.pick(parts) { parts[index].value = other.value }
        default:
            parts[index].value = self.instead(of: parts[index].value)
        }
    }

    /// A value that was nearly right.
    private mutating func close(to node: Node) -> Node {
        guard case .leaf(let text) = node else { return self.instead(of: node) }
        guard text.first == UInt8(ascii: "\"") else {
            let ends = ["", ".0", "e0", "e400", "00000000000000000000", ".5"]
            let sign = self.chance(of: 30) ? "-" : ""
            return self.chance(of: 40)
                ? .leaf(self.pick(self.values.numbers) ?? [])
                : .leaf(Array(sign.utf8) + text + (self.pick(ends) ?? "").utf8)
        }
        let content = Array(text.dropFirst().dropLast())
        let place = Int.random(in: 0...content.count, using: &self.random)
        switch Int.random(in: 0..<4, using: &self.random) {
        case 0: return .quoted(Array(content[..<place]))
        case 1: return .quoted(content + content)
        default: return .quoted(content[..<place] + self.content() + content[place...])
        }
    }

    private mutating func instead(of node: Node) -> Node {
        let depth = self.pick([1, 1, 2, 15, 63, 64, 65, 129]) ?? 1
        switch Int.random(in: 0..<4, using: &self.random) {
        case 0: return (0..<depth).reduce(node) { inner, _ in .list([.init(name: nil, value: inner)], isObject: false) }
        case 1:
            let name = Array("a".utf8)
            return (0..<depth).reduce(node) { inner, _ in .list([.init(name: name, value: inner)], isObject: true) }
        case 2: return .list([], isObject: self.chance(of: 50))
        default: return self.leaf()
        }
    }
}

/// A document as it was written.
private indirect enum Node {
    struct Part {
        /// Of a member, what is between the quotation marks; nil for an element.
        var name: [UInt8]?
        var value: Node
    }

    case leaf([UInt8])
    case list([Part], isObject: Bool)

    static func quoted(_ content: some Collection<UInt8>) -> Node {
        .leaf([UInt8(ascii: "\"")] + content + [UInt8(ascii: "\"")])
    }

    init(_ value: JSON.Value) {
        switch value.kind {
        case .object:
            let parts = value.members.map { member in
                var name: [UInt8] = []
                JSON.Writer.append(member.name, to: &name)
                return Part(name: Array(name.dropFirst().dropLast()), value: Node(member.value))
            }
            self = .list(parts, isObject: true)
        case .array:
            self = .list(value.elements.map { Part(name: nil, value: Node($0)) }, isObject: false)
        case .null, .bool, .number, .string:
            self = .leaf(Array(value.text))
        }
    }

    /// Parts below this one.
    var count: Int {
        guard case .list(let parts, _) = self else { return 0 }
        return parts.reduce(parts.count) { $0 + $1.value.count }
    }

    /// Finds a part by its number in the order of the text.
    mutating func change(part number: Int, _ change: (inout [Part], Int) -> Void) {
        guard case .list(var parts, let isObject) = self else { return }
        var number = number
        for index in parts.indices {
            if number == 0 {
                change(&parts, index)
                break
            }
            let below = parts[index].value.count
            if number <= below {
                parts[index].value.change(part: number - 1, change)
                break
            }
            number -= below + 1
        }
        self = .list(parts, isObject: isObject)
    }

    func write(to text: inout [UInt8]) {
        switch self {
        case .leaf(let leaf):
            text += leaf
        case .list(let parts, let isObject):
            text.append(UInt8(ascii: isObject ? "{" : "["))
            for (index, part) in parts.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                if isObject { text += Array("\"".utf8) + (part.name ?? []) + Array("\":".utf8) }
                part.value.write(to: &text)
            }
            text.append(UInt8(ascii: isObject ? "}" : "]"))
        }
    }
}
