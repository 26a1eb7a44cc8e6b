// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hub
package import Hummingbird

/// What operators and their monitoring read, on a port of its own that is not for the public.
package struct AdminAPI: Sendable {
    let hub: Hub
    /// Makes the node leave over a time; nil is what its configuration says.
    let drain: @Sendable (Duration?) -> Void

    package init(hub: Hub, drain: @escaping @Sendable (Duration?) -> Void) {
        self.hub = hub
        self.drain = drain
    }

    /// Answers requests.
    package var responder: some HTTPResponder<BasicRequestContext> {
        let router = Router()
        router.get("/metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: await Exposition(of: self.hub).text))
            )
        }
        router.get("/dead-letters") { request, _ in await self.deadLetters(request) }
        router.post("/drain") { request, _ in await self.beginDraining(request) }
        router.get("/drain") { _, _ in Response(json: await self.drainStatus()) }
        router.get("/health/live") { _, _ in API.health(isUp: true) }
        router.get("/health/ready") { _, _ in API.health(isUp: self.hub.isReady) }
        return router.buildResponder()
    }
}
