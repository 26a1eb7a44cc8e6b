// SPDX-License-Identifier: Apache-2.0

import Testing

/// Words that are not used, and what is written instead.
///
/// Everything here shrinks: a limit may be lowered and not raised, an exemption may go and not come.
enum Vocabulary {
    /// Words and phrases in running text, with better ones.
    static let words: [String: String] = [
        "a good deal": "much",
        "anew": "again",
        "be had": "be available, be obtained",
        "by way of": "through",
        "desk": "rate book",
        "disappointed": "failed",
        "disappointment": "failure",
        "disappointments": "failures",
        "for whom": "whose, for which",
        "go on": "continue",
        "goes on": "continues",
        "gone on": "continued",
        "good for nothing": "not usable",
        "had from": "read from",
        "heal": "recover",
        "healed": "recovered",
        "heals": "recovers",
        "hear of": "learn of",
        "heard of": "learned of, received",
        "hears of": "learns of",
        "is had": "is read, is available",
        "judge": "validate, decide",
        "judged": "validated, decided",
        "judges": "validates, decides",
        "keep house": "run maintenance",
        "let go": "release",
        "lets go": "releases",
        "look after": "maintain",
        "looked after": "maintained",
        "looks after": "maintains",
        "now and then": "periodically",
        "of late": "recently",
        "of no use": "unusable",
        "of use": "usable",
        "over and above": "in addition to",
        "pit": "pair state",
        "put down": "record",
        "puts down": "records",
        "reckon": "compute",
        "reckoned": "computed",
        "roster": "session shard",
        "send away": "disconnect",
        "sends away": "disconnects",
        "sent away": "disconnected",
        "so long": "this long",
        "stand": "be, remain, be stored",
        "standing": "present, remaining",
        "stands": "is, remains, is stored",
        "stood": "was, remained",
        "storm": "surge",
        "storms": "surges",
        "stranger": "untrusted client",
        "strangers": "untrusted clients",
        "surroundings": "environment",
        "take in": "accept, ingest",
        "takes in": "accepts, ingests",
        "tell of": "report",
        "telling of": "reporting",
        "tells of": "reports",
        "told": "delivered, sent, reported",
        "turndown": "rejection",
        "untold": "not delivered, pending",
        "unwelcome": "rejected",
        "whoever": "anyone who, the client that",
        "whom": "which, who",
    ]

    /// Documents that are not held to ``words`` yet.
    ///
    /// `docs/configuration.md` is written by the program: its texts are in `Sources/broadtape/Configuration`.
    static let exemptDocuments: Set<String> = ["docs/configuration.md"]

    /// How many of ``words`` the comments and texts of a folder have at most. Folders that are missing have none.
    ///
    /// A little more than there are, for the changes that are under way; lowered when a folder is cleaned.
    static let limits = [
        "Sources/ChainSource": 125,
        "Sources/EventLog": 80,
        "Sources/Hub": 150,
        "Sources/PostgresStore": 40,
        "Sources/RateSource": 45,
        "Sources/RedisBus": 35,
        "Sources/Server": 110,
        "Sources/SQLiteStore": 40,
        "Sources/broadtape": 60,
        "Tests/ChainSourceTests": 65,
        "Tests/ClusterTests": 15,
        "Tests/CommandTests": 21,
        "Tests/EventLogTests": 10,
        "Tests/Fuzz": 8,
        "Tests/HubTestSupport": 20,
        "Tests/HubTests": 40,
        "Tests/RateSourceTests": 25,
        "Tests/RedisBusTests": 12,
        "Tests/ServerTests": 50,
        "Tests/StoreTests": 35,
    ]

    /// Names in the code that are replaced by the field's words, a row at a time.
    struct Renaming: Sendable, CustomTestStringConvertible {
        /// Folders that the names are declared in.
        let folders: [String]
        let names: [String: String]
        /// False exempts the row, as long as one of its names is declared.
        let isDone: Bool

        var testDescription: String { self.names.keys.sorted().joined(separator: ", ") }

        init(_ folders: String..., names: [String: String], isDone: Bool) {
            self.folders = folders
            self.names = names
            self.isDone = isDone
        }
    }

    static let renamings = [
        Renaming(
            "Sources/Hub",
            names: ["Roster": "SessionShard", "RosterFigures": "SessionShardMetrics"],
            isDone: false
        ),
        Renaming("Sources/Hub", names: ["Member": "OutboundSession"], isDone: false),
        Renaming("Sources/Hub", names: ["Lane": "EventWriter", "Outlet": "Transport"], isDone: false),
        Renaming("Sources/Hub", names: ["Tail": "ChannelState"], isDone: true),
        Renaming(
            "Sources/Hub",
            names: ["Commit": "ChannelBatch", "CommittedBatch": "DeliveryContext", "Publication": "Broadcast"],
            isDone: false
        ),
        Renaming("Sources/EventLog", names: ["Verdict": "Deduplication", "stands": "duplicate"], isDone: false),
        Renaming(
            "Sources/Hub",
            names: ["Intake": "EventValidator", "look": "extract", "complaint": "validationError"],
            isDone: false
        ),
        Renaming("Sources/EventLog", names: ["whileAlone": "withLeadership"], isDone: false),
        Renaming(
            "Sources/ChainSource",
            "Sources/RateSource",
            names: ["Place": "Checkpoint", "MirrorPlace": "MirrorCheckpoint"],
            isDone: false
        ),
        Renaming(
            "Sources/ChainSource",
            names: ["reach": "promote", "told": "reportedLevel", "toldFinal": "highestReportedFinal"],
            isDone: false
        ),
        Renaming("Sources/ChainSource", names: ["Span": "BlockWindow"], isDone: false),
        Renaming(
            "Sources/ChainSource",
            names: ["Fact": "DecodedLog", "Move": "TransferRule", "OwnedMove": "OwnedTransfer"],
            isDone: false
        ),
        Renaming(
            "Sources/Hub",
            "Sources/ChainSource",
            names: ["Alarm": "WakeSignal", "Bell": "WakeSignal"],
            isDone: false
        ),
        Renaming(
            "Sources/ChainSource",
            names: ["disappointed": "recordFailure", "disappointments": "consecutiveFailures"],
            isDone: true
        ),
        Renaming("Sources/ChainSource", names: ["HeadWatch": "NewHeadsSubscription"], isDone: false),
        Renaming(
            "Sources/RateSource",
            names: [
                "Desk": "RateBook", "Pit": "PairState", "House": "ExchangeState", "Line": "MarketState",
                "speaker": "activeExchange",
            ],
            isDone: false
        ),
        Renaming(
            "Sources/RateSource",
            names: ["DeskBox": "SharedRateBook", "StaleWord": "StaleMarker", "leaveWord": "writeStaleMarker"],
            isDone: false
        ),
        Renaming("Sources/Hub", names: ["LetterBox": "DeadLetterBuffer", "letters": "deadLetters"], isDone: false),
        Renaming("Sources/EventLog", names: ["SparseLog": "LogThrottle"], isDone: false),
        Renaming(
            "Sources/Hub",
            names: [
                "NoticeBoard": "ServiceStatusBroadcaster", "untold": "pendingNotices", "tellSoon": "scheduleNotice",
            ],
            isDone: false
        ),
        Renaming(
            "Sources/Hub",
            names: ["TapeWatch": "TapeMonitor", "doubt": "markUncertain", "doubted": "uncertainChannels"],
            isDone: false
        ),
        Renaming(
            "Sources/Hub",
            "Sources/Server",
            names: ["Unwelcome": "Rejection", "unwelcome": "rejection", "Turndown": "ConnectionRejection"],
            isDone: false
        ),
        Renaming(
            "Sources/Hub",
            names: ["keepHouse": "runMaintenance", "sendAway": "disconnect", "hurry": "finishDrainNow"],
            isDone: false
        ),
        Renaming(
            "Sources/Server",
            names: ["findOutWhoIsGone": "setTCPUserTimeout", "lastWord": "eventSourceFallback"],
            isDone: false
        ),
        Renaming(
            "Sources/PostgresStore",
            "Sources/SQLiteStore",
            names: [
                "PostgresWriting": "AppendRows", "PostgresProjecting": "ProjectionRows",
                "PostgresMemory": "AppendCache", "Ledger": "AppendCache",
            ],
            isDone: false
        ),
    ]
}
