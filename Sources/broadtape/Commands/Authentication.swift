// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Hub
import Logging
import NIOCore
import Secrets
import Server
import ServiceLifecycle

/// What a node verifies clients with, and what keeps that fresh.
struct Authentication {
    /// The shared secret; none where there are public keys and it was not asked for.
    let secret: Secret?
    let credentials: Credentials
    /// Nil without published keys.
    let renewal: RenewalService?
    let published: PublishedKeys?

    init(_ settings: Settings, on group: any EventLoopGroup, logger: Logger) throws {
        let access = settings.access
        if let url = access.jwksURL {
            var configuration = HTTPClient.Configuration()
            configuration.redirectConfiguration = .disallow
            let client = HTTPClient(eventLoopGroup: group, configuration: configuration)
            let published = PublishedKeys(
                limits: access.published,
                logger: logger,
                fetch: PublishedKeys.overHTTP(url, client)
            )
            self.published = published
            self.renewal = RenewalService(published: published, client: client)
        } else {
            self.published = nil
            self.renewal = nil
        }
        self.secret = try settings.secrets.tokenSecret(hasPublicKeys: access.hasPublicKeys, makes: true)
        self.credentials = Credentials(
            tokens: TokenKeys(
                secret: self.secret,
                keys: access.keys,
                published: self.published,
                rules: access.rules
            ),
            services: ServiceAccounts(access.services)
        )
    }

    /// A node whose issuer's keys have never been there, or have become too old, takes no clients.
    var verifier: TokenVerifier {
        let credentials = self.credentials
        let published = self.published
        return TokenVerifier {
            published?.isUsable ?? true
        } verdict: {
            credentials.verdict(on: $0)
        }
    }
}

/// Keeping the published keys fresh, as a part of the process's life.
struct RenewalService: Service, CustomStringConvertible {
    let description = "token keys"
    let published: PublishedKeys
    let client: HTTPClient

    func run() async {
        await cancelWhenGracefulShutdown { await self.published.run() }
        try? await self.client.shutdown()
    }
}
