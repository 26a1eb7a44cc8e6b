// SPDX-License-Identifier: Apache-2.0

/// Numbers at the limits where readers break, as they are written, each with what it is as a whole number from 0 to
/// 2^53 - 1: nil for what is not within.
package enum BoundaryNumbers {
    /// As JSON has them.
    package static let json: [(text: String, seq: Int?)] = [
        ("0", 0), ("-0", 0), ("1", 1), ("9007199254740990", 9_007_199_254_740_990),
        ("9007199254740991", 9_007_199_254_740_991), ("9007199254740992", nil), ("9223372036854775806", nil),
        ("9223372036854775807", nil), ("9223372036854775808", nil), ("18446744073709551615", nil), ("-1", nil),
        ("-9223372036854775808", nil), ("-9223372036854775809", nil), ("1.0", nil), ("0.5", nil), ("1e2", nil),
        ("1e400", nil), ("-1e400", nil), ("1e-400", nil), (String(repeating: "9", count: 400), nil),
    ]

    /// As a query, a header or a name may have them.
    package static let text: [(text: String, seq: Int?)] =
        Self.json + [
            ("007", 7), (String(repeating: "0", count: 400) + "1", 1), ("", nil), ("-", nil), ("--1", nil),
            ("0x10", nil),
            ("1_000", nil), ("nan", nil), ("inf", nil), ("null", nil), ("1,2", nil), ("%2B1", nil), ("%201", nil),
            ("%D9%A1", nil),
        ]
}
