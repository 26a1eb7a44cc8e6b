// SPDX-License-Identifier: Apache-2.0

import Crypto
package import EventLog
import FoundationEssentials
package import Hub
import Secrets

/// The services of the configuration, looked up by their credentials.
package struct ServiceAccounts: Sendable {
    private struct Signer: Sendable {
        let account: ServiceAccount
        let key: SymmetricKey
    }

    private let byHash: [[UInt8]: ServiceAccount]
    private let signers: [Signer]

    package init(_ accounts: [ServiceAccount] = []) {
        var byHash: [[UInt8]: ServiceAccount] = [:]
        for account in accounts {
            for hash in account.keyHashes { byHash[hash] = account }
        }
        self.byHash = byHash
        self.signers = accounts.flatMap { account in
            account.secrets.map { Signer(account: account, key: $0.key) }
        }
    }

    /// The principal of an API key. The timing of the hash lookup reveals nothing about the keys.
    package func principal(apiKey: String) throws(TokenFault) -> Principal {
        // Even if its hash is configured: a short key can be found from its hash.
        guard APIKey.isLongEnough(apiKey) else { throw .invalid("not an API key: too short") }
        let hash = APIKey.hash(of: apiKey)
        guard let account = self.byHash[hash] else { throw .invalid("the hub does not know this API key") }
        return Principal(
            subject: account.name,
            scopes: account.scopes,
            tokenID: "key:" + Hex.encode(hash.prefix(8))
        )
    }

    /// The service that signed a body.
    package func signer(
        of body: [UInt8],
        _ signature: WebhookSignature,
        now: Timestamp
    ) throws(TokenFault) -> Principal {
        try signature.checkAge(now: now)
        let signed = signature.signed(body)
        // All secrets are tried, so the time taken does not reveal which one matches.
        var found: [ServiceAccount] = []
        for signer in self.signers where signature.isMade(with: signer.key, of: signed) {
            if found.last != signer.account { found.append(signer.account) }
        }
        guard let account = found.first else {
            throw .invalid("the signature matches none of the configured secrets")
        }
        guard found.count == 1 else { throw .invalid("the request has signatures of several services; send one") }
        return Principal(subject: account.name, scopes: account.scopes)
    }
}
