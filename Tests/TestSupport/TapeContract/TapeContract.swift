// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Testing

/// What every ``Tape`` must do, one rule at a time.
///
/// A test target runs each of ``rules`` against each implementation, with fresh storage per rule, and ``durableRules``
/// against those that keep events over closing.
package struct TapeContract: Sendable {
    /// One rule, by the name of its function.
    package struct Rule: Sendable, CustomTestStringConvertible {
        package let name: String
        package let check: @Sendable (TapeContract) async throws -> Void

        init(_ name: String, _ check: @escaping @Sendable (TapeContract) async throws -> Void) {
            self.name = name
            self.check = check
        }

        package var testDescription: String { self.name }
    }

    /// Opens the storage under test, holding what earlier openings left there if it is durable.
    ///
    /// The clock is for `accepted`.
    package typealias Opener = @Sendable (_ clock: TapeClock) async throws -> any Tape

    let opener: Opener

    package init(opener: @escaping Opener) {
        self.opener = opener
    }

    /// Opens the tape for the length of a body.
    func withTape<Value>(
        clock: TapeClock = TapeClock(),
        _ body: (any Tape, TapeClock) async throws -> Value
    ) async throws -> Value {
        let tape = try await self.opener(clock)
        let value: Value
        do {
            value = try await body(tape, clock)
        } catch {
            await tape.close()
            throw error
        }
        await tape.close()
        return value
    }

    /// What holds for every tape.
    package static let rules: [Rule] =
        appendingRules + dedupeRules + readingRules + latestRules + retentionRules + listingRules + concurrencyRules
        + [Rule("agreesWithModel") { try await $0.agreesWithModel(reopening: false) }]

    /// What holds for tapes that keep events over closing.
    package static let durableRules: [Rule] =
        reopeningRules + [Rule("agreesWithModelOverReopening") { try await $0.agreesWithModel(reopening: true) }]
}
