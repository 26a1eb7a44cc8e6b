// SPDX-License-Identifier: Apache-2.0

/// Finds channels by the bytes of their names, without making strings.
struct ChannelTable: Sendable {
    private var places: [Int32]
    private var bytes: [UInt8] = []
    private var ranges: [Range<Int>] = []
    private let mask: Int

    init(_ names: [String]) {
        var size = 16
        while size < names.count * 2 { size *= 2 }
        self.places = Array(repeating: -1, count: size)
        self.mask = size - 1
        for (place, name) in names.enumerated() {
            let start = self.bytes.count
            self.bytes.append(contentsOf: name.utf8)
            self.ranges.append(start..<self.bytes.count)
            var index = Self.hash(self.bytes.span, start..<self.bytes.count) & self.mask
            while self.places[index] >= 0 { index = (index + 1) & self.mask }
            self.places[index] = Int32(truncatingIfNeeded: place)
        }
    }

    /// The place of a channel; nil for one that is not of the trace.
    func find(_ text: borrowing Span<UInt8>, _ name: Range<Int>) -> Int? {
        var index = Self.hash(text, name) & self.mask
        while true {
            let place = Int(truncatingIfNeeded: self.places[index])
            if place < 0 { return nil }
            if self.equals(place, text, name) { return place }
            index = (index + 1) & self.mask
        }
    }

    /// The place of a channel; nil for one that is not of the trace.
    func find(_ name: String) -> Int? {
        let bytes = Array(name.utf8)
        return self.find(bytes.span, 0..<bytes.count)
    }

    private func equals(_ place: Int, _ text: borrowing Span<UInt8>, _ name: Range<Int>) -> Bool {
        let range = self.ranges[place]
        guard range.count == name.count else { return false }
        for offset in 0..<range.count where self.bytes[range.lowerBound + offset] != text[name.lowerBound + offset] {
            return false
        }
        return true
    }

    /// FNV-1a.
    private static func hash(_ text: borrowing Span<UInt8>, _ name: Range<Int>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in name { hash = (hash ^ UInt64(truncatingIfNeeded: text[index])) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash >> 1)
    }
}
