// SPDX-License-Identifier: Apache-2.0

extension Runner {
    /// Finds few actions of a failing run that make it fail as well, and prints their timeline.
    func shrink(_ seed: UInt64) {
        let scenario = Scenario(seed: seed)
        var kept = scenario.actions.map(\.number)
        var size = max(1, kept.count / 2)
        while true {
            var start = 0
            var hasShrunk = false
            while start < kept.count {
                var fewer = kept
                fewer.removeSubrange(start..<min(start + size, kept.count))
                if self.run(seed, keeping: fewer, isVerbose: false).isWell {
                    start += size
                } else {
                    kept = fewer
                    hasShrunk = true
                }
            }
            if size == 1, !hasShrunk { break }
            size = max(1, size / 2)
        }
        print("Necessary actions:")
        for action in scenario.actions where kept.contains(action.number) {
            print("  \(action.number). at \(action.time): \(action)")
        }
        print("Timeline:")
        print(self.run(seed, keeping: kept, isVerbose: true).text, terminator: "")
        let flag = self.losesMessages ? " --lose-messages" : ""
        let actions = kept.isEmpty ? "none" : kept.map(String.init).joined(separator: ",")
        print("Replay with: broadtape-simulator\(flag) --seed \(seed) --keep \(actions)")
    }
}
