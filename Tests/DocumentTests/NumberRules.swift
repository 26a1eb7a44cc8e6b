// SPDX-License-Identifier: Apache-2.0

import Testing

/// What code that meets numbers from outside does not do: each with what to do instead, and with the places where it is
/// right.
///
/// A number from outside is what a peer, a publisher, a node, an exchange, a database row, a token, a header, a file or a
/// command line says. `Sources/JSON/Int+Bounded.swift` has the one way to read it: with its limits, so that no arithmetic
/// behind it can trap.
enum NumberRules {
    static let folders = ["Sources/", "LoadTests/Kit/", "LoadTests/Command/"]
    /// The one way itself.
    static let reader = "Sources/JSON/Int+Bounded.swift"

    /// Code that is refused wherever it is.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let pattern: String
        /// What a line has that may match; looked for first, because it is quick.
        let words: [String]
        /// What a line has that is right all the same.
        var isRight: [String] = []
        let advice: String
        /// Where it is refused; nil for all of ``NumberRules/folders``.
        var folders: [String]?
        /// Files that may, with the reason.
        var exemptions: [String: String] = [:]

        var testDescription: String { self.pattern }
    }

    /// Where text names channels, sources, users and slots, which are bytes.
    private static let foldersWithNames = [
        "Sources/EventLog/", "Sources/Hub/", "Sources/SQLiteStore/", "Sources/PostgresStore/", "Sources/RedisBus/",
    ]

    private static let readIt = "read it with Int(decimal:in:), Int(hexadecimal:in:) or integer(in:)"

    static let refusals = [
        Refusal(
            pattern: #"\bU?Int(8|16|32|64|128)?\.init\b"#,
            words: [".init"],
            advice: "a number without limits: \(Self.readIt)"
        ),
        Refusal(
            pattern:
                #"(\blet \w+ = (Double|Float)\((?!\w+:)[^()]*(\([^()]*\)[^()]*)*\)( else|,)|\b(Double|Float)(\.init\b|\(\$0\)))"#,
            words: ["Double", "Float"],
            advice: "a fraction without limits: read it with Double(decimal:in:)"
        ),
        Refusal(
            pattern:
                #"\b(JSONDecoder|JSONSerialization|PropertyListDecoder|NumberFormatter|strto[a-z]+|ato[filq]+|v?s?scanf)\b"#,
            words: ["Decoder", "JSONSerialization", "NumberFormatter", "strto", "atoi", "atol", "atof", "scanf"],
            advice: "another reader of numbers: \(Self.readIt)"
        ),
        Refusal(
            pattern: #"\* 10 (&?\+|-)|<< 4 \|"#,
            words: ["* 10", "<< 4"],
            advice: "digits put together by hand: \(Self.readIt)",
            exemptions: [
                "Sources/EventLog/Event/Timestamp.swift": "fields of two or four digits",
                "Sources/BroadtapeClient/Messages/UTCTime.swift": "fields of two or four digits",
                "Sources/BroadtapeClient/Messages/EventHeading.swift": "of a span, at most 16 digits",
                "Sources/Server/Listening/RequestHead.swift": "of a span, at most 18 digits",
                "Sources/Server/Listening/ChunkReader.swift": "digit by digit as they arrive, at most 8",
                "Sources/Server/Access/Hex.swift": "two digits of a byte",
                "Sources/ChainSource/EVM/ABI/Hex.swift": "two digits of a byte",
                "Sources/RedisBus/Connection/RedisAddress.swift": "two digits of a byte",
                "Sources/JSON/Scanner+Tokens.swift": "four digits of an escape",
                "Sources/JSON/Span+Navigation.swift": "four digits of an escape",
                "LoadTests/Kit/Crew/Plan.swift": "of a span, at most ten digits",
                "LoadTests/Kit/Feed/EventContent.swift": "of a span, a fixed number of digits",
                "LoadTests/Kit/Trace/DecimalText.swift": "128 bits, at most 30 digits",
            ]
        ),
        Refusal(
            pattern: #"\.\.\. ?(Int(64)?)?\.max\b"#,
            words: [".max"],
            isRight: ["random(", "clamping:"],
            advice:
                "a range that limits nothing: the limit of what the number means, .seq for what counts, or .unlimited "
                + "where nothing is computed with it"
        ),
        Refusal(
            pattern: #"uniqueKeysWithValues"#,
            words: ["uniqueKeysWithValues"],
            advice: "traps when a key comes twice: say which one wins with uniquingKeysWith"
        ),
        Refusal(
            pattern: #"\b(try|as)!|[\w\)\]]!([.,;:)\]\s\[]|$)"#,
            words: ["!"],
            advice: "traps when there is nothing: use guard, ?? or a typed error"
        ),
        Refusal(
            pattern: #"\b(fatalError|preconditionFailure|precondition|assertionFailure|unsafelyUnwrapped)\b"#,
            words: ["fatalError", "precondition", "assertionFailure", "unsafelyUnwrapped"],
            advice: "ends the process: only for a mistake of the program itself, with the reason in NumberRules",
            exemptions: [
                "Sources/BroadtapeClient/Subscriber/Subscriber.swift": "the application runs a subscriber twice",
                "Sources/Hub/Hub.swift": "the program makes a hub without event loops",
                "Sources/RedisBus/Bus/BusSeal.swift": "the program makes a seal without secrets",
                "Sources/RedisBus/FanIn/RedisFanIn.swift": "the program makes a fan-in without patterns",
                "Sources/RedisBus/Protocol/RedisCommand.swift": "there is no memory left",
            ]
        ),
        Refusal(
            pattern: #"\+= [\w.?]*\b(missing\.count|skipped|sequence|version|head|seq)\b"#,
            words: ["+= "],
            advice: "a sum of numbers from outside, each of which may be 2^53 - 1: use addClamped",
            exemptions: [
                "Sources/EventLog/Verification/RowCheck.swift": "what this process has counted",
                "Sources/EventLog/Verification/Verification.swift": "what this process has counted",
            ]
        ),
        Refusal(
            pattern: #"\.(hasPrefix|hasSuffix)\(|\.(split\(separator|firstIndex\(of|components\(separatedBy): "\w*""#,
            words: ["hasPrefix", "hasSuffix", "split(separator", "firstIndex(of", "components("],
            advice:
                "compares grapheme clusters, and names are bytes: rest(after:), beginning(before:), hasSameBytes(as:), utf8",
            folders: foldersWithNames,
            exemptions: [
                "Sources/SQLiteStore/Examination.swift": "lines of SQLite's own",
                "Sources/SQLiteStore/SQLiteTape+FanIn.swift": "names of types, which are ASCII",
                "Sources/SQLiteStore/Files/TapeRecord.swift": "lines of the hub's own file",
                "Sources/SQLiteStore/Files/TapeSite.swift": "names of files of the hub's own",
                "Sources/PostgresStore/Append/PostgresAppend+Look.swift": "numbers that a hub wrote",
                "Sources/PostgresStore/Connection/PostgresAddress.swift": "keywords of libpq",
                "Sources/PostgresStore/FanIn/PostgresTape+FanIn.swift": "names of types, which are ASCII",
                "Sources/RedisBus/Connection/RedisAddress.swift": "the operator's address",
                "Sources/RedisBus/Connection/Greeting.swift": "words of Redis",
                "Sources/RedisBus/Connection/RedisCondition.swift": "words of Redis",
            ]
        ),
    ]

    /// Conversions between integers that need no label, by how they are written. Every other one says what becomes of
    /// what does not fit: `clamping:`, `truncatingIfNeeded:`, `exactly:`, or `in:` for a number from outside.
    static let conversions: [(pattern: String, reason: String)] = [
        (#"\w+\(-?[0-9][0-9A-Fa-fx_]*\)"#, "the compiler checks literals"),
        (#"\w+\((U?Int\d*|Self)\.\w+\)|U?Int\d*\([A-Z_]{4,}\)"#, "a constant"),
        (#"Int128\(.*\)"#, "has room for every other one"),
        (#"U?Int(64)?\([\w.$\[\]]*([nN]anoseconds|tv_n?sec|components\.seconds)( / [\d_]+)?\)"#, "a time of 64 bits"),
        (#"U?Int\d*\((byte|digit)( (-|&|>>) [\w.]+)?\)|U?Int\d*\([\w\[\]]+ - UInt8\(ascii: ""\)\)"#, "a byte"),
        (#"UInt(32|64)\((\d+ - )?width\)"#, "bits of a word"),
        (#"U?Int(64)?\([\w.]*\.count\)"#, "a count is not negative"),
    ]

    /// Unlabelled conversions that are written otherwise, by file.
    static let otherConversions = [
        "Sources/WebSocket/Handshake/ClientHandshake+Offer.swift Int(parts[1])":
            "three digits; this module has no JSON",
        "Sources/SafeText/AddressSecrets.swift UInt8(String(Substring(rest.prefix(2))), radix: 16)":
            "two digits; this module has no JSON",
        "Sources/SafeText/Redaction.swift UInt16(port)": "at most five digits; this module has no JSON",
    ]

    /// How a number comes in without limits.
    static let unlimited =
        #"\.unlimited\b|\bint64\(|\bnullableInt64\(|\b(get|read)Integer\(|\binteger\(UInt64\.self\)(?!.*, in: )"#
    static let unlimitedWords = [".unlimited", "nt64(", "etInteger(", "eadInteger(", "UInt64.self"]

    /// Names of such numbers that are computed with all the same.
    static let computed = [
        "Sources/PostgresStore/Append/PostgresPartitions.swift moment":
            "a time of this hub or the end of a partition, not below 0; its width is checked",
        "Sources/PostgresStore/Append/PostgresPartitions.swift starts":
            "where it overflows the partition ends with time",
        "Sources/PostgresStore/Retention/PostgresPrune.swift end": "compared first, and not below 0",
        "Sources/PostgresStore/Retention/PostgresPrune.swift now": "the server's clock, and not below 0",
    ]
}
