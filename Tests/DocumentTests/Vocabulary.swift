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
    static let exemptDocuments: Set<String> = []

    /// How many of ``words`` the comments and texts of a folder have at most. Folders that are missing have none.
    static let limits = [
        // Wire and log names that are quoted in comments.
        "Sources/ChainSource": 3,
        "Tests/HubTests": 1,
        "Tests/ServerTests": 1,
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
            isDone: true
        ),
        Renaming("Sources/Hub", names: ["Member": "OutboundSession"], isDone: true),
        Renaming("Sources/Hub", names: ["Lane": "EventWriter", "Outlet": "Transport"], isDone: true),
        Renaming("Sources/Hub", names: ["Tail": "ChannelState"], isDone: true),
        Renaming(
            "Sources/EventLog",
            "Sources/Hub",
            names: ["Commit": "ChannelBatch", "CommittedBatch": "DeliveryContext", "Publication": "Broadcast"],
            isDone: true
        ),
        Renaming("Sources/EventLog", names: ["Verdict": "Deduplication", "stands": "duplicate"], isDone: true),
        Renaming("Sources/Hub", names: ["Intake": "EventValidator"], isDone: true),
        Renaming("Sources/Hub", names: ["look": "extract", "complaint": "validationError"], isDone: true),
        Renaming("Sources/EventLog", names: ["whileAlone": "withLeadership"], isDone: true),
        Renaming(
            "Sources/ChainSource",
            "Sources/RateSource",
            names: ["Place": "Checkpoint", "MirrorPlace": "MirrorCheckpoint"],
            isDone: true
        ),
        Renaming("Sources/ChainSource", names: ["reach": "promote", "told": "reportedLevel"], isDone: true),
        Renaming(
            "Sources/ChainSource",
            names: [
                "ToldKeys": "FinalKeys", "Taken": "StepResult", "blame": "recordFailure",
                "hasTold": "hasReportedBlock",
            ],
            isDone: true
        ),
        Renaming("Sources/ChainSource", names: ["toldFinal": "highestReportedFinal"], isDone: true),
        Renaming("Sources/ChainSource", names: ["Span": "BlockWindow"], isDone: true),
        Renaming(
            "Sources/ChainSource",
            names: ["Fact": "DecodedLog", "Move": "TransferRule", "OwnedMove": "OwnedTransfer"],
            isDone: true
        ),
        Renaming(
            "Sources/EventLog",
            "Sources/ChainSource",
            names: ["Alarm": "WakeSignal", "Bell": "WakeSignal"],
            isDone: true
        ),
        Renaming(
            "Sources/ChainSource",
            names: ["disappointed": "recordFailure", "disappointments": "consecutiveFailures"],
            isDone: true
        ),
        Renaming("Sources/ChainSource", names: ["HeadWatch": "NewHeadsSubscription"], isDone: true),
        Renaming(
            "Sources/RateSource",
            names: ["Desk": "RateBook", "Pit": "PairState", "House": "ExchangeState", "speaker": "activeExchange"],
            isDone: true
        ),
        Renaming(
            "Sources/RateSource",
            names: ["DeskBox": "SharedRateBook", "StaleWord": "StaleMarker", "leaveWord": "writeStaleMarker"],
            isDone: true
        ),
        Renaming(
            "Sources/RateSource",
            names: [
                "house": "exchange", "houses": "exchanges", "desk": "book", "pits": "pairs", "goOn": "advance",
                "lookOn": "watchStaleMarkers",
            ],
            isDone: true
        ),
        Renaming(
            "Sources/BroadtapeClient",
            "Sources/WebSocketClient",
            names: [
                "Course": "ReconnectState", "Pulse": "LivenessCheck", "told": "report, learned, setHeartbeat",
                "uncharted": "awaitingCursors", "signsOfLife": "keepAlive", "sendSignOfLife": "sendKeepAlive",
            ],
            isDone: true
        ),
        Renaming("Sources/Hub", names: ["LetterBox": "DeadLetterBuffer"], isDone: true),
        Renaming("Sources/Hub", names: ["letters": "deadLetters"], isDone: true),
        Renaming("Sources/EventLog", names: ["SparseLog": "LogThrottle"], isDone: true),
        Renaming(
            "Sources/Hub",
            names: ["NoticeBoard": "ServiceStatusBroadcaster", "tellSoon": "scheduleNotice"],
            isDone: true
        ),
        Renaming("Sources/Hub", names: ["untold": "pendingNotices"], isDone: true),
        Renaming(
            "Sources/Hub",
            "Sources/RateSource",
            names: ["board": "statusBroadcaster", "alarm": "wakeSignal"],
            isDone: true
        ),
        Renaming(
            "Sources/Hub",
            names: [
                "pump": "waitingForMessages", "wants": "listenRequests", "nextWish": "nextListenRequest",
                "letGo": "unblock", "isHeldUp": "isBlocked", "takePart": "competeForLeadership",
            ],
            isDone: true
        ),
        Renaming("Sources/Hub", names: ["Order": "Submission"], isDone: true),
        Renaming("Sources/Hub", "Sources/Server", names: ["storm": "surge"], isDone: true),
        Renaming(
            "Sources/Hub",
            names: ["TapeWatch": "TapeMonitor", "doubt": "markUncertain", "doubted": "uncertainChannels"],
            isDone: true
        ),
        Renaming(
            "Sources/Hub",
            "Sources/Server",
            names: ["Unwelcome": "Rejection", "unwelcome": "rejection", "Turndown": "ConnectionRejection"],
            isDone: true
        ),
        Renaming(
            "Sources/Hub",
            names: ["keepHouse": "runMaintenance", "sendAway": "disconnect", "hurry": "finishDrainNow"],
            isDone: true
        ),
        Renaming(
            "Sources/Server",
            names: ["findOutWhoIsGone": "setTCPUserTimeout", "lastWord": "eventSourceFallback"],
            isDone: true
        ),
        Renaming(
            "Sources/PostgresStore",
            "Sources/SQLiteStore",
            names: [
                "PostgresWriting": "AppendRows", "PostgresProjecting": "ProjectionRows",
                "PostgresMemory": "AppendCache", "Ledger": "AppendCache",
            ],
            isDone: true
        ),
    ]
}
