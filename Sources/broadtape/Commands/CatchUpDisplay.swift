// SPDX-License-Identifier: Apache-2.0

import Hub
import ServiceLifecycle
import Terminal

/// Tells how far the catch-up of a process's sources is, as a part of its life.
struct CatchUpDisplay: Service, CustomStringConvertible {
    let description = "progress"
    let board: SourceBoard
    let output: ProgressOutput

    private static let look: Duration = .milliseconds(500)

    func run() async {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.look)) != nil {
                if let advance = Self.advance(of: self.board.all) {
                    self.output.show(advance)
                } else {
                    self.output.clear()
                }
            }
        }
        self.output.clear()
    }

    /// Of the source that has most to read; nil when none is catching up.
    static func advance(of sources: [SourceReport]) -> Advance? {
        let behind = sources.filter { $0.state == .catchingUp }.compactMap { source in
            source.position.flatMap { position in
                source.head.map { (name: source.name, position: position, head: $0, events: source.events) }
            }
        }
        guard let most = behind.max(by: { $0.head - $0.position < $1.head - $1.position }) else { return nil }
        let others = behind.count > 1 ? ", \(behind.count - 1) more catch up" : ""
        return Advance(
            "\(most.name) catches up",
            done: most.position,
            of: most.head,
            unit: "",
            note: "\(Text.grouped(most.events)) events\(others)"
        )
    }
}
