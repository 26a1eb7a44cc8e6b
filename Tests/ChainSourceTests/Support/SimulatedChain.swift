// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Synchronization
import TestSupport

/// A chain in memory, with blocks, branches and real bloom filters: the truth that tests compare with.
struct SimulatedChain: Sendable {
    struct Transaction: Sendable {
        var hash: Hash256
        /// Address, topics and data of each.
        var logs: [(Address, [Hash256], [UInt8])]
    }

    struct Mined: Sendable {
        var block: Block
        var logs: [Log]
        var transactions: [Transaction]
    }

    /// What a node knows at one time.
    struct View: Sendable {
        var hashes: [Hash256]
        var final: Int
    }

    static let contract = Address("0x00000000000000000000000000000000000000c1")
    /// Emits the same events and is not wanted.
    static let decoy = Address("0x00000000000000000000000000000000000000d0")
    static let investment = "Investment(address indexed investor, uint256 amount, uint256 shares)"
    static let transfer = "Transfer(address indexed from, address indexed to, uint256 value)"

    private(set) var blocks: [Hash256: Mined] = [:]
    /// The newest last.
    private(set) var views: [View]
    private var salt = 0
    private var transactionCount = 0
    var random: SplitMix
    let address: Address
    let other: Address
    let events: [EventSignature]

    init(seed: UInt64) throws {
        guard let address = Self.contract, let other = Self.decoy else { throw Unusable() }
        self.random = SplitMix(seed: seed)
        self.address = address
        self.other = other
        self.events = [try EventSignature(Self.investment), try EventSignature(Self.transfer)]
        let genesis = Block(number: 0, hash: Keccak256.digest([0]), parentHash: .zero, bloom: Bloom())
        self.blocks[genesis.hash] = Mined(block: genesis, logs: [], transactions: [])
        self.views = [View(hashes: [genesis.hash], final: 0)]
    }

    struct Unusable: Error {}

    var view: View { self.views[self.views.count - 1] }

    var head: Int { self.view.hashes.count - 1 }

    var configuration: Chain {
        var chain = Chain(name: "sim", contracts: [self.address: self.events.map { Chain.WantedEvent(signature: $0) }])
        chain.chainID = 7
        chain.confirmations = 3
        chain.firstSpan = 4
        chain.maxSpan = 40
        chain.remembered = 32
        return chain
    }

    /// The wanted logs that can be decoded, in order.
    func truth(upTo number: Int? = nil) -> [Log] {
        self.view.hashes.prefix((number ?? self.head) + 1).flatMap { hash in
            self.blocks[hash]?.logs.filter {
                $0.address == self.address && $0.topics.count == ($0.topics[0] == self.events[0].topic ? 2 : 3)
            } ?? []
        }
    }

    // MARK: Making

    mutating func transaction(logs count: Int) -> Transaction {
        self.transactionCount += 1
        let number = self.transactionCount
        var logs: [(Address, [Hash256], [UInt8])] = []
        for place in 0..<count {
            let value = Self.word(number * 100 + place)
            switch Int.random(in: 0..<10, using: &self.random) {
            case 0: logs.append((self.other, [self.events[0].topic, Self.topic(1)], value + value))
            case 1: logs.append((self.address, [self.events[1].topic, Self.topic(1), Self.topic(2), .zero], []))
            case 2: logs.append((self.address, [Self.topic(99)], []))
            case 3...5: logs.append((self.address, [self.events[1].topic, Self.topic(1), Self.topic(2)], value))
            default: logs.append((self.address, [self.events[0].topic, Self.topic(number)], value + value))
            }
        }
        return Transaction(hash: Keccak256.digest("tx \(number)".utf8), logs: logs)
    }

    static func word(_ number: Int) -> [UInt8] {
        [UInt8](repeating: 0, count: 24) + (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }

    static func topic(_ number: Int) -> Hash256 {
        Hash256(bytes: Self.word(number)) ?? .zero
    }

    private mutating func block(on parent: Hash256, _ transactions: [Transaction]) -> Hash256 {
        self.salt += 1
        let number = (self.blocks[parent]?.block.number ?? -1) + 1
        let hash = Keccak256.digest("block \(number) \(self.salt) \(self.random.state)".utf8)
        var logs: [Log] = []
        var bloom = Bloom()
        for transaction in transactions {
            for (address, topics, data) in transaction.logs {
                bloom.insert(address.bytes)
                for topic in topics { bloom.insert(topic.bytes) }
                logs.append(
                    Log(
                        address: address,
                        topics: topics,
                        data: data,
                        blockNumber: number,
                        blockHash: hash,
                        transactionHash: transaction.hash,
                        index: logs.count
                    )
                )
            }
        }
        let block = Block(number: number, hash: hash, parentHash: parent, bloom: bloom)
        self.blocks[hash] = Mined(block: block, logs: logs, transactions: transactions)
        return hash
    }

    private mutating func show(_ hashes: [Hash256], final: Int? = nil) {
        self.views.append(View(hashes: hashes, final: max(final ?? 0, self.view.final)))
        if self.views.count > 40 { self.views.removeFirst() }
    }

    /// Blocks with so many wanted or unwanted transactions each.
    mutating func mine(_ count: Int, transactions: ClosedRange<Int> = 0...2) {
        for _ in 0..<count {
            let made = (0..<Int.random(in: transactions, using: &self.random)).map { _ in
                self.transaction(logs: Int.random(in: 1...3, using: &self.random))
            }
            let hash = self.block(on: self.view.hashes[self.head], made)
            self.show(self.view.hashes + [hash])
        }
    }

    /// Another branch of some length takes the place of the newest blocks. Their transactions come again, in another
    /// order and other blocks, or not at all.
    mutating func reorganise(depth: Int, length: Int, keeps: Bool = true) {
        var hashes = self.view.hashes
        let gone = hashes.suffix(depth).flatMap { self.blocks[$0]?.transactions ?? [] }
        hashes.removeLast(depth)
        var waiting: [Transaction] = keeps ? gone.shuffled(using: &self.random) : []
        waiting.removeAll { _ in Int.random(in: 0..<5, using: &self.random) == 0 }
        for place in 0..<length {
            let taken = place == length - 1 ? waiting.count : Int.random(in: 0...waiting.count, using: &self.random)
            var made = Array(waiting.prefix(taken))
            waiting.removeFirst(taken)
            if Bool.random(using: &self.random) { made.insert(self.transaction(logs: 1), at: 0) }
            hashes.append(self.block(on: hashes[hashes.count - 1], made))
        }
        self.show(hashes)
    }

    /// The chain as it was some changes ago is the chain again.
    mutating func goBack(by count: Int) {
        self.show(self.views[max(0, self.views.count - 1 - count)].hashes)
    }

    mutating func finalize(_ number: Int) {
        self.show(self.view.hashes, final: number)
    }
}
