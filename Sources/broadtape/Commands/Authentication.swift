// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Hub
import Logging
import NIOCore
import Secrets
import Server
import ServiceLifecycle

/// The token verifier of a node, and the service that renews its published keys.
struct Authentication {
    /// The shared secret; nil if there are public keys and the secret is not set explicitly.
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

    /// A node accepts no clients while the issuer's keys have never been fetched or are too old.
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

/// Renews the published keys, as a service of the process.
struct RenewalService: Service, CustomStringConvertible {
    let description = "token keys"
    let published: PublishedKeys
    let client: HTTPClient

    func run() async {
        await cancelWhenGracefulShutdown { await self.published.run() }
        try? await self.client.shutdown()
    }
}
