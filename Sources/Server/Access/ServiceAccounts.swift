// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
package import Hub

/// The services of the configuration, found by what they present.
package struct ServiceAccounts: Sendable {
    private struct Secret: Sendable {
        let account: ServiceAccount
        let key: SymmetricKey
    }

    private let byHash: [[UInt8]: ServiceAccount]
    private let secrets: [Secret]

    package init(_ accounts: [ServiceAccount] = []) {
        var byHash: [[UInt8]: ServiceAccount] = [:]
        for account in accounts {
            for hash in account.keyHashes { byHash[hash] = account }
        }
        self.byHash = byHash
        self.secrets = accounts.flatMap { account in
            account.secrets.map { Secret(account: account, key: SymmetricKey(data: Array($0.utf8))) }
        }
    }

    /// Who an API key belongs to. That equal hashes are looked for tells nothing of the keys.
    package func principal(apiKey: String) throws(TokenFault) -> Principal {
        let hash = APIKey.hash(of: apiKey)
        guard let account = self.byHash[hash] else { throw .invalid("the hub does not know this API key") }
        return Principal(
            subject: account.name,
            scopes: account.scopes,
            tokenID: "key:" + Hex.encode(hash.prefix(8))
        )
    }

    /// Who has signed a body.
    package func signer(
        of body: [UInt8],
        _ signature: WebhookSignature,
        now: Timestamp
    ) throws(TokenFault) -> Principal {
        try signature.checkAge(now: now)
        // All of them are tried: how long it takes tells nothing of which one fits.
        var found: ServiceAccount?
        for secret in self.secrets where signature.isMade(with: secret.key, of: body) {
            found = secret.account
        }
        guard let found else { throw .invalid("the signature is of none of the secrets that the hub knows") }
        return Principal(subject: found.name, scopes: found.scopes)
    }
}
