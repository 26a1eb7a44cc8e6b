// SPDX-License-Identifier: Apache-2.0

import BrowserClient
import HTTPTypes
import Hummingbird

/// `GET /broadtape.js`, `/broadtape.d.ts`: the browser client, for pages of any origin.
extension API {
    /// Adds the routes of the scripts.
    static func addScripts(to router: Router<EdgeContext>) {
        for script in [Script.module, .declarations] {
            let file = ServedFile(
                script.bytes,
                contentType: script.contentType,
                fields: [.accessControlAllowOrigin: "*"]
            )
            file.add(to: router, at: script.path) { _ in [:] }
        }
    }
}
