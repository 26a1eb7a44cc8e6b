// SPDX-License-Identifier: Apache-2.0

import SafeText
import Testing

struct RedactionTests {
    @Test(arguments: [
        ("postgres://app:hunter2@db/name", "postgres://app:********@db/name"),
        ("Postgres://app:hunter2@db/name", "Postgres://app:********@db/name"),
        ("postgres://app@db:5432/name?sslmode=require", "postgres://app@db:5432/name?sslmode=require"),
        ("postgres://db/name?password=hunter2&sslmode=require", "postgres://db/name?password=********&sslmode=require"),
        ("postgres://db/n?pass%77ord=hunter2", "postgres://db/n?********"),
        ("postgres://db/n?hunter2", "postgres://db/n?********"),
        ("postgers://app:hunter2@db/n", "postgers://********@db/********"),
        ("postgres://app:hun@hunter2@db/n", "postgres://app:********@db/n"),
        ("postgres://app:hunter2/x@db/n", "postgres://app:********@db/n"),
        ("postgres://app:hunter2?x@db/n", "postgres://app:********@db/n"),
        ("postgres://app:hunter2", "postgres://********"),
        ("postgres://app:hunter2 x@db/n", "postgres://app:********@db/n"), ("postgres:/app:hunter2@db/n", "********"),
        ("postgres//app:hunter2@db/n", "********"), ("host=db password=hunter2", "********"),
        ("host=db password = 'hunter2 x'", "********"), ("app:hunter2@db", "********"), ("hunter2", "********"),
        ("", ""),
        ("sqlite:var/broadtape.db", "sqlite:var/broadtape.db"), ("memory:", "memory:"), ("memory: hunter2", "********"),
        ("redis://:hunter2@h:6379/1", "redis://********@h:6379/1"),
        ("rediss://h?ca=/etc/ca.pem", "rediss://h?ca=/etc/ca.pem"),
        ("redis+unix:///run/redis.sock?db=1", "redis+unix:///run/redis.sock?db=1"),
        ("https://mainnet.infura.io/v3/hunter2", "https://mainnet.infura.io/********"),
        ("wss://node.example/hunter2?key=hunter2#hunter2", "wss://node.example/********?key=********#********"),
        ("https://hunter2@collector.example:4318", "https://********@collector.example:4318"),
        ("http://[2001:db8::1]:8545/", "http://[2001:db8::1]:8545/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("postgres://a:1,b:2/n", "postgres://a:1,b:2/n"), ("http://h:hunter2/", "http://********"),
        ("http://h:70000", "http://********"), ("redis://:6379", "redis://********"),
        ("postgres://u:hunter2\u{301}@\u{301}h/d", "postgres://********"),
        ("https://h/a\nhunter2", "https://h/********"),
    ])
    func anAddressIsShownWithoutWhatGivesAccess(_ address: String, _ shown: String) {
        #expect(Redaction.address(address) == shown)
        #expect(!Redaction.address(address).contains("hunter2"))
    }

    @Test(arguments: [
        ("nothing to hide: a=b, http is a scheme", "nothing to hide: a=b, http is a scheme"),
        (#"cannot reach "postgres://app:hunter2@db/name"."#, #"cannot reach "postgres://app:********@db/name"."#),
        ("see https://node.example/v3/hunter2, then wait", "see https://node.example/********, then wait"),
        ("write it like redis://127.0.0.1:6379", "write it like redis://127.0.0.1:6379"),
        ("it begins with http:// or https://", "it begins with http:// or https://"),
        ("host=db password=hunter2 user=app", "host=db password=******** user=app"),
        ("PASSWORD = 'hunter2 x' host=db", "PASSWORD = ******** host=db"),
        ("/x?access_token=hunter2&a=1", "/x?access_token=********&a=1"), ("api-key=hunter2", "api-key=********"),
        ("http://[::1]:8081/hunter2 is away", "http://[::1]:8081/******** is away"),
    ])
    func addressesInAMessageAreShownInTheSameWay(_ message: String, _ shown: String) {
        #expect(Redaction.text(message) == shown)
    }

    @Test(arguments: [
        ("https://h/v3/abcdef0123456789", "Cannot POST /v3/abcdef0123456789", "Cannot POST /v3/********"),
        ("https://h/rpc?apikey=s3cr%2Bet", "no such key: s3cr+et", "no such key: ********"),
        ("https://someone:hunter2@h", "someone: hunter2 is wrong", "********: ******** is wrong"),
        ("https://h/mainnet/rpc", "mainnet has no rpc", "mainnet has no rpc"),
        ("https://h", "anything", "anything"),
        ("http://u:pw@h", "pw stays, it is too short", "pw stays, it is too short"),
    ])
    func whatAServerRepeatsIsTakenOut(_ address: String, _ message: String, _ shown: String) {
        #expect(AddressSecrets(ofAddress: address).removed(from: message) == shown)
    }
}
