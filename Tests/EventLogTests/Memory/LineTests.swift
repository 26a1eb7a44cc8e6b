// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import EventLog

@Suite struct LineTests {
    @Test func agreesWithArray() {
        var line = Line<Int>()
        var array: [Int] = []
        for number in 0..<2000 {
            line.append(number)
            array.append(number)
            if number % 7 == 0 {
                line.insert(-number, at: array.count / 2)
                array.insert(-number, at: array.count / 2)
            }
            if number % 3 != 0 {
                #expect(line.removeFirst() == array.removeFirst())
            }
            #expect(line.count == array.count)
            #expect(line.first == array.first)
            #expect((-1...array.count).map { line[$0] } == [nil] + array.map(Optional.init) + [nil])
        }
        line.removeAll { $0.isMultiple(of: 2) }
        array.removeAll { $0.isMultiple(of: 2) }
        #expect((0..<array.count).map { line[$0] } == array)
        while !array.isEmpty {
            #expect(line.removeFirst() == array.removeFirst())
        }
        #expect(line.removeFirst() == nil)
        #expect(line.isEmpty)
    }

    @Test(arguments: 0...12)
    func partitioningIndexIsTheFirstNotBefore(_ bound: Int) {
        var line = Line<Int>()
        for number in [-1, 1, 3, 3, 5, 11] { line.append(number) }
        _ = line.removeFirst()
        #expect(line.partitioningIndex { $0 < bound } == [1, 3, 3, 5, 11].count { $0 < bound })
    }
}
