// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Runs blocking work on a separate thread.
func offLoop<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    try await withCheckedContinuation { (waiter: CheckedContinuation<Result<Value, Failure>, Never>) in
        DispatchQueue.global().async {
            waiter.resume(returning: Result { () throws(Failure) in try work() })
        }
    }.get()
}
