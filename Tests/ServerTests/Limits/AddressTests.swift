// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import Server

/// Addresses and address ranges, and which address a client is identified by.
@Suite struct AddressTests {
    private static func address(_ text: String) throws -> NetworkAddress {
        try #require(NetworkAddress(text), "\(text)")
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/8", "::g", "example.com", " 1.2.3.4", "[::1]"])
    func whatIsNoAddressIsNone(_ text: String) {
        #expect(NetworkAddress(text) == nil)
    }

    @Test
    func bothWritingsOfAnAddressAreTheSame() throws {
        #expect(try Self.address("192.0.2.1") == Self.address("::ffff:192.0.2.1"))
        #expect(try Self.address("192.0.2.1").isVersion4)
        #expect(try !Self.address("2001:db8::1").isVersion4)
        #expect(try Self.address("2001:db8:1:2:3:4:5:6").site == Self.address("2001:db8:1:2::"))
        #expect(try Self.address("192.0.2.1").site == Self.address("192.0.2.1"))
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.1.2.3/8", "10.9.9.9", true),
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("0.0.0.0/0", "255.1.2.3", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "1.2.3.4", true), ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::1", false), ("::1", "::1", true), ("::1/128", "::2", false),
        ("::ffff:10.0.0.0/104", "10.2.3.4", true),
    ])
    func aPrefixHoldsWhatBeginsLikeIt(_ prefix: String, _ address: String, _ holds: Bool) throws {
        let prefix = try #require(NetworkPrefix(prefix))
        let address = try Self.address(address)
        #expect(prefix.contains(address) == holds)
        #expect((prefix.first...prefix.last).contains(address) == holds)
    }

    @Test(arguments: [
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "::/129", "x/8",
    ])
    func whatIsNoPrefixIsNone(_ text: String) {
        #expect(NetworkPrefix(text) == nil)
    }

    @Test
    func theLongestPrefixSaysTheCountry() throws {
        let table = try CountryTable(
            """
            # made up
            10.0.0.0/8,AA
            10.1.0.0/16;bb   # inside
            10.1.2.0/24\tCC
            10.1.2.0/24 DD

            2001:db8::/32, EE
            255.255.255.0/24,FF
            """
        )
        let expected: [(address: String, country: String?)] = [
            ("9.255.255.255", nil), ("10.0.0.0", "AA"), ("10.0.255.255", "AA"), ("10.1.0.0", "BB"),
            ("10.1.1.255", "BB"),
            ("10.1.2.0", "DD"), ("10.1.2.255", "DD"), ("10.1.3.0", "BB"), ("10.2.0.0", "AA"), ("10.255.255.255", "AA"),
            ("11.0.0.0", nil), ("255.255.255.255", "FF"), ("2001:db8::", "EE"), ("2001:db9::", nil), ("::1", nil),
        ]
        for (address, country) in expected {
            #expect(table.country(of: try Self.address(address))?.description == country, "\(address)")
        }
    }

    @Test
    func linesMayEndAsOnWindows() throws {
        let table = try CountryTable("10.0.0.0/8,AA\r\n# made up\r\n\r\n11.0.0.0/8 BB\r\n")
        #expect(table.country(of: try Self.address("10.1.2.3"))?.description == "AA")
        #expect(table.country(of: try Self.address("11.1.2.3"))?.description == "BB")
    }

    @Test(arguments: [
        "10.0.0.0/8", "10.0.0.0/8,ABC", "10.0.0.0/8,A1", "10.0.0.300/8,AA", "10.0.0.0/8,AA,x", "AA,10.0.0.0/8",
    ])
    func aBadLineIsNamed(_ line: String) {
        let fault = #expect(throws: CountryTable.Fault.self) { try CountryTable("1.0.0.0/8,AA\n\n\(line)\n") }
        #expect(fault?.line == 3)
    }

    /// Against looking at every prefix, with prefixes nested and side by side as chance will have it.
    @Test(arguments: 0..<5)
    func aTableOfManySaysTheSameAsLookingAtAll(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let entries: [(prefix: NetworkPrefix, country: CountryTable.Country)] = try (0..<500).map { _ in
            let isVersion4 = Bool.random(using: &random)
            let bits = UInt32.random(in: 0..<1 << 12, using: &random)
            let address =
                isVersion4
                ? "10.\(bits >> 8).\(bits & 0xFF).\(UInt8.random(in: 0...255, using: &random))"
                : "2001:db8:\(String(bits, radix: 16))::\(String(bits & 3, radix: 16))"
            let length = isVersion4 ? Int.random(in: 8...32, using: &random) : Int.random(in: 32...128, using: &random)
            let letter = try #require("ABCDEFGH".randomElement(using: &random))
            return (
                try #require(NetworkPrefix("\(address)/\(length)")), try #require(CountryTable.Country("Z\(letter)"))
            )
        }
        let table = CountryTable(entries)
        #expect(table.count <= 2 * entries.count + 1)
        for _ in 0..<200 {
            let (prefix, _) = try #require(entries.randomElement(using: &random))
            let ends = [
                prefix.first.bits, prefix.last.bits, prefix.last.bits &+ 1, prefix.first.bits &- 1,
                prefix.first.bits | UInt128(UInt64.random(in: 0 ... .max, using: &random)),
            ]
            let address = NetworkAddress(bits: try #require(ends.randomElement(using: &random)))
            let longest = entries.filter { $0.prefix.contains(address) }.map(\.prefix.length).max()
            let expected = entries.last { $0.prefix.contains(address) && $0.prefix.length == longest }?.country
            #expect(table.country(of: address) == expected)
        }
    }

    /// Who connects, what `X-Forwarded-For` says, and who the client is.
    static let forwarded: [(peer: String, forwarded: [String], client: String?)] = [
        ("10.0.0.1", ["192.0.2.7"], "192.0.2.7"), ("10.0.0.1", ["192.0.2.6, 192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["192.0.2.7, 10.0.0.9"], "192.0.2.7"), ("10.0.0.1", ["192.0.2.7", "10.0.0.9 , ::1"], "192.0.2.7"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"), ("10.0.0.1", ["192.0.2.7:4711"], "192.0.2.7"),
        // The one who connects is not trusted to speak for anybody.
        ("192.0.2.1", ["198.51.100.1"], nil), ("10.0.0.1", [], nil), ("10.0.0.1", ["10.0.0.2"], nil),
        // Anything before an unreadable entry was not written by a trusted proxy.
        ("10.0.0.1", ["192.0.2.7, unknown"], nil),
        // What a client writes cannot swallow the comma that the proxy puts behind it.
        ("10.0.0.1", ["\u{600}, 192.0.2.7"], "192.0.2.7"), ("10.0.0.1", ["\u{600}", "192.0.2.7,\u{301}"], nil),
        ("10.0.0.1", [", ,192.0.2.7,"], "192.0.2.7"), ("10.0.0.1", ["192.0.2.7, unknown, 10.0.0.9"], nil),
    ]

    @Test(arguments: Self.forwarded)
    func theLastUntrustedAddressIsTheClient(_ peer: String, _ forwarded: [String], _ client: String?) throws {
        var limits = Admission.Limits()
        limits.trustedProxies = try ["10.0.0.0/8", "::1"].map { try #require(NetworkPrefix($0)) }
        let admission = Admission(limits)
        let proxy = admission.peer(at: try SocketAddress(ipAddress: peer, port: 1), isSecure: false)
        let found = admission.client(forwarded, by: proxy)
        let expected = try client.map { try Self.address($0) }
        #expect(found == expected)
    }

    @Test
    func connectionsOfAnAddressAreCountedUntilTheyClose() throws {
        var limits = Admission.Limits()
        limits.connectionsPerAddress = 2
        let admission = Admission(limits)
        let loop = EmbeddedEventLoop()
        let closings = (0..<3).map { _ in loop.makePromise(of: Void.self) }
        func enter(_ address: String, _ index: Int) throws -> Admission.ConnectionRejection? {
            let peer = admission.peer(at: try .init(ipAddress: address, port: 1), isSecure: false)
            return admission.enter(peer, until: closings[index].futureResult)
        }
        #expect(try enter("2001:db8::1", 0) == nil)
        #expect(try enter("2001:db8::2", 1) == nil)
        #expect(try enter("2001:db8::3", 2) == .tooManyConnections(limit: 2))
        #expect(try enter("2001:db8:0:1::3", 2) == nil)
        closings[1].succeed()
        #expect(try enter("2001:db8::3", 2) == nil)
        #expect(try enter("2001:db8::4", 2) == .tooManyConnections(limit: 2))
        closings[0].succeed()
        closings[2].succeed()
    }

    @Test
    func nobodyNewIsTakenInWithoutMemory() throws {
        var limits = Admission.Limits()
        limits.memoryBytes = 1000
        let admission = Admission(limits)
        let loop = EmbeddedEventLoop()
        let peer = admission.peer(at: try .init(ipAddress: "192.0.2.1", port: 1), isSecure: false)
        for (resident, turndown) in [(1000, nil), (1001, Admission.ConnectionRejection.outOfMemory), (10, nil)] {
            admission.lookAtMemory(resident)
            #expect(admission.enter(peer, until: loop.makeSucceededVoidFuture()) == turndown)
        }
        #expect((ResidentMemory.bytes() ?? 0) > 1 << 20)
    }

    static let origins: [(allowed: [String], origin: String, isAllowed: Bool)] = [
        (["https://a.example"], "https://a.example", true), (["https://A.example"], "https://a.EXAMPLE", true),
        (["https://a.example"], "http://a.example", false), (["https://a.example"], "https://a.example:8443", false),
        (["https://a.example", "http://localhost:3000"], "http://localhost:3000", true),
        (["https://a.example"], "null", false), (["https://a.example"], "https://a.example.evil", false),
        (["https://a.example:443"], "https://a.example", true), (["http://a.example:80"], "http://a.example", true),
        (["https://a.example"], "https://a.example:443", true),
        (["http://a.example:443"], "http://a.example", false),
        (["http://a.example:443"], "http://a.example:443", true),
        (["https://a.example:443"], "http://a.example", false),
        (["https://*.example.com"], "https://a.example.com", true),
        (["https://*.Example.com:443"], "https://a.b.example.com", true),
        (["https://*.example.com"], "https://example.com", false),
        (["https://*.example.com"], "https://evilexample.com", false),
        (["https://*.example.com"], "https://a.example.com.evil", false),
        (["https://*.example.com"], "http://a.example.com", false),
        (["https://*.example.com"], "https://a.example.com:8443", false),
        (["https://*.example.com:8443"], "https://a.example.com:8443", true),
        (["https://*.example.com"], "https://*.example.com", false),
        (["https://*.example.com"], "https://.example.com", false),
        (["http://[0:0:0:0:0:0:0:1]:3000"], "http://[::1]:3000", true),
        (["http://127.0.0.1"], "http://127.0.0.1", true),
        (["capacitor://localhost"], "capacitor://localhost", true),
        (["chrome-extension://abc"], "chrome-extension://abc", true),
        (["https://a.example."], "https://a.example.", true),
    ]

    @Test(arguments: Self.origins)
    func originsAreComparedWhole(_ allowed: [String], _ origin: String, _ isAllowed: Bool) throws {
        #expect(try #require(AllowedOrigins(allowed)).allow(origin) == isAllowed)
        #expect(AllowedOrigins.any.allow(origin))
    }

    @Test(arguments: [
        "a.example", "https://a.example/", "https://", "*", "https://a b", "https://u@a",
        "https://*", "https://*.", "https://a.*.example", "https://*a.example", "https://a.example:*", "*://a.example",
        "https://a.example:", "https://a.example:99999", "https://a.example:x", "https://a,b", "https://a.example,",
        "https://b\u{FC}cher.example", "https://a..b", "https://.a", "https://127.1", "https://*.10.0.0.1",
        "https://[a]",
        "https://[::1", "https://[10.0.0.1]", "wss://a.example", "ws://a.example", "://a", "1a://b", "null",
    ])
    func whatIsNoOriginIsNone(_ origin: String) {
        #expect(AllowedOrigins([origin]) == nil)
    }
}
