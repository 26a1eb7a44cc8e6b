// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1
import SafeText

extension PublishedKeys {
    /// A set that could not be fetched.
    struct Unavailable: Error, CustomStringConvertible {
        let description: String
    }

    /// Maximum size of a set, in bytes.
    private static let maxBytes = 512 << 10
    /// Timeout of one fetch, from the connection to the last byte.
    private static let timeout = TimeAmount.seconds(5)

    /// Fetches a set over HTTP. Redirects are not followed: the operator sets the final URL.
    package static func overHTTP(_ url: String, _ client: HTTPClient) -> Fetch {
        let secrets = AddressSecrets(ofAddress: url)
        return {
            var request = HTTPClientRequest(url: url)
            request.headers.add(name: "accept", value: "application/jwk-set+json, application/json")
            let response: HTTPClientResponse
            do {
                response = try await client.execute(request, deadline: .now() + Self.timeout)
            } catch {
                throw Unavailable(description: secrets.removed(from: "\(error)"))
            }
            guard response.status == .ok else {
                throw Unavailable(description: "\(Redaction.address(url)) answers \(response.status.code)")
            }
            let body = try await response.body.collect(upTo: Self.maxBytes)
            return Response(
                body: Array(body.readableBytesView),
                maxAge: Self.maxAge(of: response.headers[canonicalForm: "cache-control"].map(String.init))
            )
        }
    }

    /// `max-age` of `Cache-Control` (RFC 9111 §5.2.2); zero if the response must not be cached, nil if it is not given.
    static func maxAge(of directives: [String]) -> Duration? {
        var age: Duration?
        for directive in directives {
            let parts = directive.split(separator: "=", maxSplits: 1).map {
                $0.filter { $0 != " " && $0 != "\"" && $0 != "\t" }.lowercased()
            }
            switch parts.first {
            case "no-store", "no-cache": return .zero
            case "max-age":
                guard parts.count == 2, let seconds = Int(decimal: parts[1], in: 0...Int(Int32.max)) else { continue }
                age = .seconds(seconds)
            default: continue
            }
        }
        return age
    }
}
