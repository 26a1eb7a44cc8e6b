// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import NIOCore

/// Reaches a crew from outside its loop.
struct CrewLink: Sendable {
    let loop: any EventLoop
    private let crew: NIOLoopBound<Crew>

    /// Makes a crew on a loop.
    init(on loop: any EventLoop, _ setting: Crew.Setting, plan: Plan) async throws {
        self.loop = loop
        self.crew = try await loop.submit {
            NIOLoopBound(Crew(on: loop, setting, plan: plan), eventLoop: loop)
        }.get()
    }

    /// Does something with the crew, without waiting for it.
    ///
    /// At once on its loop, else in the order of the calls.
    func tell(_ work: @escaping @Sendable (Crew) -> Void) {
        if self.loop.inEventLoop {
            work(self.crew.value)
        } else {
            self.loop.execute { work(self.crew.value) }
        }
    }

    /// Asks the crew for something.
    func ask<Answer: Sendable>(_ question: @escaping @Sendable (Crew) -> Answer) async throws -> Answer {
        try await self.loop.submit { question(self.crew.value) }.get()
    }

    /// Connects subscribers; returns when all of their subscriptions have begun.
    func gather(_ recruits: [Crew.Recruit], rate: Double? = nil) async throws {
        try await self.loop.flatSubmit { self.crew.value.gather(recruits, rate: rate) }.get()
    }
}
