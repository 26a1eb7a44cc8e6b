// SPDX-License-Identifier: Apache-2.0

import Ingest
import Testing

struct EndpointValueTests {
    /// Neither a password nor a path or a query is shown: they may be keys.
    @Test(arguments: [
        ("https://node.example/v3/0123456789abcdef", "https://node.example"),
        ("https://node.example?key=0123456789abcdef", "https://node.example"),
        ("https://user:password@node.example:8545/x", "https://node.example:8545"),
        ("wss://u@h:1@node.example/ws", "wss://node.example"), ("http://[::1]:8545/key", "http://[::1]:8545"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"), ("", ""), ("://", "://"),
        ("node.example/key", "node.example"),
        ("https://node.example#secretsecret", "https://node.example"),
    ])
    func namesShowNoKeys(_ url: String, _ name: String) {
        #expect(EndpointName(url).description == name)
    }

    @Test func twoAtOneHostAreToldApart() {
        let names = EndpointName.all(["https://a.example/one", "https://b.example", "https://a.example/two"])
        #expect(names.map(\.description) == ["https://a.example", "https://b.example", "https://a.example#2"])
    }

    /// Some providers repeat the key in what they say, or answer with a page of HTML.
    @Test func answersAreRedacted() {
        let name = EndpointName("https://bob:hunter2hunter2@node.example/v3/0123456789abcdef?token=feedfacecafebeef")
        #expect(
            name.redact("invalid key 0123456789abcdef,\r\n\tof hunter2hunter2\u{1b}[31m; feedfacecafebeef")
                == "invalid key ********, of ******** [31m; ********"
        )
        #expect(name.redact("v3 is fine") == "v3 is fine")
    }

    @Test(arguments: [
        ("0", 0), ("7", 7), (" 7", 7), ("3600", 3_600), ("99999999999999999999", 604_800), ("7.5", 7),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30), ("Thu, 22 Oct 2015 07:28:00 GMT", 86_400),
        ("Tue, 20 Oct 2015 07:28:00 GMT", 0), ("Sat, 31 Oct 2015 07:28:00 GMT", 604_800),
    ])
    func retryAfterIsSecondsOrADate(_ value: String, _ seconds: Int) {
        #expect(RetryAfter.duration(value, date: "Wed, 21 Oct 2015 07:28:00 GMT") == .seconds(seconds))
    }

    @Test func retryAfterAcrossALeapDay() {
        let after = RetryAfter.duration("Fri, 01 Mar 2024 00:00:10 GMT", date: "Wed, 28 Feb 2024 23:59:50 GMT")
        #expect(after == .seconds(86_420))
    }

    @Test(arguments: ["", "-1", "soon", "Wed, 21 Foo 2015 07:28:00 GMT", "Wed, 41 Oct 2015 07:28:00 GMT", "GMT"])
    func otherRetryAfterIsNone(_ value: String) {
        #expect(RetryAfter.duration(value, date: "Wed, 21 Oct 2015 07:28:00 GMT") == nil)
        #expect(RetryAfter.duration("Wed, 21 Oct 2015 07:28:00 GMT") == nil)
        #expect(RetryAfter.duration(nil) == nil)
    }
}
