// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Monitor
import ServiceLifecycle
import Terminal

/// Shows the catch-up progress of the sources, as a service of the process.
struct CatchUpDisplay: Service, CustomStringConvertible {
    let description = "progress"
    let board: SourceBoard
    let output: ProgressOutput

    private static let look: Duration = .milliseconds(500)

    func run() async {
        await cancelWhenGracefulShutdown {
            var catchUp = CatchUp()
            while (try? await Task.sleep(for: Self.look)) != nil {
                guard let lag = catchUp.look(at: self.sources) else {
                    self.output.clear()
                    continue
                }
                let others = lag.others > 0 ? ", \(lag.others) more catching up" : ""
                self.output.show(
                    Advance(
                        "\(lag.source) is catching up",
                        done: lag.done,
                        of: lag.total,
                        unit: "to read",
                        note: "\(Text.grouped(lag.events)) events\(others)"
                    )
                )
            }
        }
        self.output.clear()
    }

    private var sources: [CatchUp.Source] {
        self.board.all.filter { $0.state == .catchingUp }.compactMap { report in
            guard let position = report.position, let head = report.head else { return nil }
            return CatchUp.Source(name: report.name, position: position, head: head, events: report.events)
        }
    }
}
