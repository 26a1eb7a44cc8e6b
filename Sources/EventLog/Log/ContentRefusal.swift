// SPDX-License-Identifier: Apache-2.0

/// Storage does not take something because of what is in it, and will not take it the next time.
package struct ContentRefusal: Error, Sendable, Equatable {
    /// For who sent it: what kind of thing is wrong, without the storage's innards.
    package var kind: String
    /// For operators: the storage's own words.
    package var detail: String

    package init(kind: String, detail: String) {
        self.kind = kind
        self.detail = detail
    }
}

/// What has become of things that were handed to storage together.
///
/// Where it refuses what is in them they are handed over in halves, until each that is at fault is alone. So one of them
/// never keeps the others out, at the cost of two calls for each time that their number can be halved.
package struct InHalves<Output: Sendable>: Sendable {
    /// Of each, in their order, as far as storage has answered.
    package private(set) var results: [Result<Output, ContentRefusal>] = []
    /// Why it has not answered for the rest; what came before stands.
    package private(set) var fault: TapeFault?

    /// - Parameter work: Does all of what it is given or, when it throws, nothing of it. Never called with nothing.
    /// - Returns: One output for each.
    package init<Element>(
        _ elements: [Element],
        work: ([Element]) async throws(TapeFault) -> [Output]
    ) async {
        // The next one last.
        var parts = elements.isEmpty ? [] : [elements[...]]
        while let part = parts.popLast() {
            do throws(TapeFault) {
                self.results += try await work(Array(part)).map { .success($0) }
            } catch {
                guard case .refused(let refusal) = error else {
                    self.fault = error
                    return
                }
                if part.count == 1 {
                    self.results.append(.failure(refusal))
                } else {
                    let half = part.count / 2
                    parts += [part.dropFirst(half), part.prefix(half)]
                }
            }
        }
    }
}
