// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebSocket

@Suite struct ExtensionOfferTests {
    private func summary(_ lines: String...) -> [String]? {
        ExtensionOffer.parse(lines)?.map { offer in
            offer.parameters.reduce(offer.name) { $0 + ";" + $1.name + ($1.value.map { "=" + $0 } ?? "") }
        }
    }

    @Test(arguments: [
        ("", []),
        (" , ", []),
        ("foo", ["foo"]),
        ("Foo, bar", ["foo", "bar"]),
        ("permessage-deflate; client_max_window_bits", ["permessage-deflate;client_max_window_bits"]),
        ("a;x=1;Y=\"2\" , b ; z = 3", ["a;x=1;y=2", "b;z=3"]),
        ("a;x=\"\\1\\0\"", ["a;x=10"]),
    ])
    func offersAreRead(line: String, offers: [String]) {
        #expect(summary(line) == offers)
    }

    @Test func offersSpanLines() {
        #expect(summary("a", "b;c") == ["a", "b;c"])
    }

    @Test(arguments: [
        "a b", ";x", "a;", "a;=1", "a;x=", "a;x=1 2", "a;x=\"\"", "a;x=\"1", "a;x=\"1,2\"", "a;x=ü", "\"",
    ])
    func brokenOffersAreRefused(line: String) {
        #expect(summary(line) == nil)
    }
}
