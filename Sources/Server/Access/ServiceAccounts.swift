// SPDX-License-Identifier: Apache-2.0

import Crypto
package import EventLog
import FoundationEssentials
package import Hub
import Secrets

/// The services of the configuration, found by what they present.
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

    /// Who an API key belongs to. That equal hashes are looked for tells nothing of the keys.
    package func principal(apiKey: String) throws(TokenFault) -> Principal {
        // Also where the configuration has the hash: what is short can be guessed from it.
        guard APIKey.isLongEnough(apiKey) else { throw .invalid("this is no API key: it is too short") }
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
        let signed = signature.signed(body)
        // All of them are tried: how long it takes tells nothing of which one fits.
        var found: [ServiceAccount] = []
        for signer in self.signers where signature.isMade(with: signer.key, of: signed) {
            if found.last != signer.account { found.append(signer.account) }
        }
        guard let account = found.first else {
            throw .invalid("the signature is of none of the secrets that the hub knows")
        }
        guard found.count == 1 else { throw .invalid("several services have signed the request; send one signature") }
        return Principal(subject: account.name, scopes: account.scopes)
    }
}
