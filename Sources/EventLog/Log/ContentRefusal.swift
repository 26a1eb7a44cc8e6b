// SPDX-License-Identifier: Apache-2.0

/// Storage rejects something because of its content, and would reject it again.
package struct ContentRefusal: Error, Sendable, Equatable {
    /// For the sender: the kind of problem, without internals of the storage.
    package var kind: String
    /// For operators: the message of the storage.
    package var detail: String

    package init(kind: String, detail: String) {
        self.kind = kind
        self.detail = detail
    }
}

/// The results of operations that are passed to storage together.
///
/// If storage rejects the content, the batch is split in halves until each rejected element is alone. So one element
/// never blocks the others, at the cost of two calls per split.
package struct InHalves<Output: Sendable>: Sendable {
    /// The results in order, as far as storage has answered.
    package private(set) var results: [Result<Output, ContentRefusal>] = []
    /// Why storage did not answer for the rest; the earlier results remain valid.
    package private(set) var fault: TapeFault?

    /// - Parameter work: Processes all given elements or, if it throws, none. Never called with an empty array.
    /// - Returns: One output per element.
    package init<Element>(
        _ elements: [Element],
        work: ([Element]) async throws(TapeFault) -> [Output]
    ) async {
        // A stack; the next part is last.
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
