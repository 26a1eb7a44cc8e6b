// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import RedisBus

@Suite struct RedisAddressTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var place: RedisAddress.Place
        var isSecure = false
        var user: String?
        var password: String?
        var database = 0
        var trustRoots: String?

        var testDescription: String { self.text }
    }

    static let cases: [Case] = [
        Case(text: "redis://localhost", place: .tcp(host: "localhost", port: 6379)),
        Case(text: "REDIS://10.0.0.1:7000/", place: .tcp(host: "10.0.0.1", port: 7000)),
        Case(text: "redis://[::1]:7000/3", place: .tcp(host: "::1", port: 7000), database: 3),
        Case(text: "redis://h/1?db=4", place: .tcp(host: "h", port: 6379), database: 4),
        Case(text: "redis://:pw@h", place: .tcp(host: "h", port: 6379), password: "pw"),
        Case(text: "redis://u:p:w@h", place: .tcp(host: "h", port: 6379), user: "u", password: "p:w"),
        Case(text: "redis://u:p@w@h", place: .tcp(host: "h", port: 6379), user: "u", password: "p@w"),
        Case(
            text: "redis://%C3%BC:%2F%40%25@h:1/15",
            place: .tcp(host: "h", port: 1),
            user: "ü",
            password: "/@%",
            database: 15
        ),
        Case(text: "rediss://h", place: .tcp(host: "h", port: 6379), isSecure: true),
        Case(
            text: "rediss://h?ca=/a%20b.pem",
            place: .tcp(host: "h", port: 6379),
            isSecure: true,
            trustRoots: "/a b.pem"
        ),
        Case(text: "redis+unix:///run/r.sock?db=2", place: .unix("/run/r.sock"), database: 2),
        Case(text: "unix://u:pw@/run/r%20.sock", place: .unix("/run/r .sock"), user: "u", password: "pw"),
    ]

    @Test(arguments: cases) func addressesAreRead(_ example: Case) throws {
        let address = try RedisAddress(example.text)
        #expect(address.place == example.place)
        #expect(address.isSecure == example.isSecure)
        #expect(address.user == example.user)
        #expect(address.password?.secret == example.password)
        #expect(address.database == example.database)
        #expect(address.trustRoots == example.trustRoots)
    }

    @Test(arguments: [
        ("", "no scheme"), ("localhost:6379", "no scheme"), ("http://h", "scheme is http"), ("redis://", "no host"),
        ("redis://:6379", "no host"), ("redis://h:0", "port"), ("redis://h:65536", "port"), ("redis://h:x", "port"),
        ("redis://h/x", "database"), ("redis://h/-1", "database"), ("redis://h/+1", "database"),
        ("redis://h/1/2", "database"), ("redis://[::1", "bracket"), ("redis://[::1]7", "port"),
        ("redis://u@h", "no password"), ("redis://u:@h", "password is empty"), ("redis://u:%zz@h", "percent"),
        ("redis://u:%f@h", "percent"), ("redis://u:%FF@h", "percent"), ("redis://u:%0A@h", "percent"),
        ("redis://h?x=1", "option x"), ("redis://h?db=", ""), ("redis://h?ca=/x", "rediss"), ("rediss://h?ca=", "ca"),
        ("redis://h#1", "fragment"), ("redis://h h", "blanks"), ("redis+unix://h/x", "no host"),
        ("redis+unix://", "path"),
    ]) func mistakesAreNamed(_ text: String, _ part: String) throws {
        guard text != "redis://h?db=" else {
            #expect(try RedisAddress(text).database == 0)
            return
        }
        let error = #expect(throws: RedisAddress.Invalid.self) { try RedisAddress(text) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        "redis://u:hunter2@h:x", "u:hunter2@h", "redis://u:hunter2/@h", "redis://u:hunter2?x@h#", "redis://u:hunter2",
        "http://:hunter2@h", "redis://:hunter2@", "redis://:hunter2@h?y=1", "redis://u:hunter2%@h",
    ]) func errorsKeepThePassword(_ text: String) {
        let error = #expect(throws: RedisAddress.Invalid.self) { try RedisAddress(text) }
        #expect(error?.description.contains("hunter2") == false, "\(error?.description ?? "")")
    }

    @Test func descriptionsKeepThePassword() throws {
        let address = try RedisAddress("rediss://someone:hunter2@h:7000/3")
        #expect("\(address)" == "rediss://h:7000/3")
        var dumped = ""
        dump(address, to: &dumped)
        for text in ["\(address)", String(reflecting: address), dumped, "\(Optional(address) as Any)"] {
            #expect(!text.contains("hunter2"))
        }
        #expect(try RedisAddress("redis://[::1]").description == "redis://[::1]:6379/0")
        #expect(try RedisAddress("unix://:hunter2@/r.sock").description == "redis+unix:///r.sock?db=0")
    }

    @Test func passwordIsRemovedFromWhatAServerRepeats() throws {
        let password = try #require(try RedisAddress("redis://:hunter2@h").password)
        #expect(
            password.removed(from: "ERR unknown command 'AUTH', args: 'hunter2' ")
                == "ERR unknown command 'AUTH', args: '…' "
        )
        #expect(password.removed(from: "no") == "no")
    }

    @Test func pausesGrowToTheirBound() {
        var backoff = RedisOptions.Backoff()
        backoff.base = .milliseconds(100)
        backoff.cap = .seconds(1)
        let delays = [1, 2, 3, 4, 5, 1000].map { backoff.delay(failures: $0, random: 1) }
        #expect(delays == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
        #expect(backoff.delay(failures: 3, random: 0.5) == .milliseconds(200))
        #expect(backoff.delay(failures: 0, random: 0) == .zero)
    }
}
