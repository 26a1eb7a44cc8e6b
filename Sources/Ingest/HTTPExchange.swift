// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import SafeText

/// One HTTP request and its whole answer, within a time and a size, whatever the server does.
package struct HTTPExchange: Sendable {
    package struct Answer: Sendable {
        package var status: Int
        package var body: [UInt8]
        /// `Retry-After`.
        package var after: Duration?
        fileprivate var secrets: AddressSecrets

        /// The beginning of the body, for messages, without the keys of the addresses that are asked. It is cut after these
        /// are taken out: half a key would not be recognised.
        package var beginning: String {
            String(self.secrets.removed(from: String(decoding: self.body.prefix(2_000), as: UTF8.self)).prefix(120))
        }
    }

    package enum Fault: Error, Sendable, Equatable {
        /// The answer has more than so many bytes.
        case tooLarge(Int)
        /// No whole answer came; the text says why, and nothing of the address but the host.
        case unreachable(String)
        /// The task was cancelled.
        case cancelled
    }

    private let client: HTTPClient
    private let time: Duration
    private let bytes: Int
    private let secrets: AddressSecrets

    /// - Parameters:
    ///   - client: The caller's, who shuts it down.
    ///   - time: From connecting to the last byte.
    ///   - bytes: Of the largest answer.
    ///   - urls: What is asked, without what belongs to one request. Their keys are in no text from here.
    package init(_ client: HTTPClient, time: Duration, bytes: Int, urls: [String] = []) {
        self.client = client
        self.time = time
        self.bytes = bytes
        self.secrets = AddressSecrets(ofAddresses: urls)
    }

    package func answer(to request: HTTPClientRequest) async throws(Fault) -> Answer {
        // The client's own deadline ends with the head of the answer; a body may come byte by byte for ever.
        let result = await withTaskGroup(of: Result<Answer, Fault>.self) { group in
            group.addTask { await self.result(of: request) }
            group.addTask {
                do {
                    try await Task.sleep(for: self.time)
                } catch {
                    return .failure(.cancelled)
                }
                return .failure(self.late)
            }
            let first = await group.next() ?? .failure(.cancelled)
            group.cancelAll()
            return first
        }
        return try result.get()
    }

    private var late: Fault {
        .unreachable("no whole answer came within \(self.time)")
    }

    private func result(of request: HTTPClientRequest) async -> Result<Answer, Fault> {
        do {
            let response = try await self.client.execute(request, deadline: .now() + TimeAmount(self.time))
            var body = try await response.body.collect(upTo: self.bytes)
            let after = RetryAfter.duration(
                response.headers.first(name: "retry-after"),
                date: response.headers.first(name: "date")
            )
            let bytes = body.readBytes(length: body.readableBytes) ?? []
            let status = Int(clamping: response.status.code)
            return .success(Answer(status: status, body: bytes, after: after, secrets: self.secrets))
        } catch is NIOTooManyBytesError {
            return .failure(.tooLarge(self.bytes))
        } catch let error as HTTPClientError where error == .deadlineExceeded {
            return .failure(self.late)
        } catch {
            let why = self.secrets.removed(from: "it cannot be reached: \(error)")
            return .failure(Task.isCancelled ? .cancelled : .unreachable(why))
        }
    }
}
