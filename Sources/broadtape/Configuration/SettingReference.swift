// SPDX-License-Identifier: Apache-2.0

/// Every setting as a document: `docs/configuration.md` is what this writes.
struct SettingReference {
    private static let head = """
        # Configuration

        <!-- Made by `make reference` from the program's own declarations; a test compares the two. -->

        Broadtape runs without any configuration: SQLite under `var/`, one node, loopback. Everything below changes that.

        **Where settings are made.** A flag of `broadtape serve` goes before the environment, the environment before the \
        YAML file (`--config FILE` or `BROADTAPE_CONFIG`), the file before the default. An unknown key of the file is an \
        error, as is a value that does not fit; every mistake is told with its line:

        ```sh
        broadtape check-config --config broadtape.yaml              # what is wrong
        broadtape check-config --effective --config broadtape.yaml  # what holds, and where it was said
        broadtape doctor --config broadtape.yaml                    # what the surroundings lack
        ```

        **How values are written.** Durations are whole numbers with a unit: `250ms`, `10s`, `5m`, `2h`, `30d`. Sizes are \
        `4096`, `64KiB`, `1MiB`, `4GiB`. Lists are words with blanks between. Secrets belong into files (mode 600): flags \
        and environments can be seen by others.

        [broadtape.yaml](../config/broadtape.yaml) has all of it as a file to copy, with everything commented out.

        """

    private let settings: Settings

    init(_ settings: Settings) {
        self.settings = settings
    }

    var text: String {
        var parts = [Self.head]
        var rest = Setting.allCases
        for topic in Self.topics {
            rest.removeAll { topic.settings.contains($0) }
            parts.append(self.section(topic.name, topic.settings))
        }
        if !rest.isEmpty { parts.append(self.section("More", rest)) }
        parts += Self.declarations
        return parts.joined(separator: "\n")
    }

    private func section(_ name: String, _ settings: [Setting]) -> String {
        let rows = settings.map { setting in
            let flag = ConfigurationOptions.flags.contains(setting) ? "`--\(setting.rawValue)`<br>" : ""
            let cells = [
                "`\(setting.rawValue)`", "\(flag)`\(setting.variable)`",
                setting.defaultText.map { "`\($0)`" } ?? "–", self.takes(setting), Self.meanings[setting] ?? "",
            ]
            return Self.row(cells)
        }
        let head = [
            Self.row(["setting", "flag, environment", "default", "takes", "meaning"]), "|---|---|---|---|---|",
        ]
        return "## \(name)\n\n" + (head + rows).joined(separator: "\n") + "\n"
    }

    private func takes(_ setting: Setting) -> String {
        self.settings.expectations[setting] ?? Self.forms[setting] ?? "text"
    }

    private static func row(_ cells: [String]) -> String {
        "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }

    // MARK: What the file declares

    private static var declarations: [String] {
        [
            Self.section(
                "Event types",
                key: "types",
                "Names with what the type is. A built-in type's name changes what is said here and keeps the rest; see "
                    + "[concepts](concepts.md#event-types-and-their-policies).",
                TypeDeclarations.keys,
                Self.typeMeanings
            ),
            Self.section(
                "Services",
                key: "services",
                "Names of those who publish without tokens.",
                ServiceDeclarations.keys,
                Self.serviceMeanings
            ),
            Self.section(
                "Chains",
                key: "chains",
                "Names with the chains to follow; see [chains](chains.md).",
                ChainDeclarations.keys,
                Self.chainMeanings
            ),
            "## Rates\n\nUnder `rates` in the file only: exchanges whose rates are taken; see [rates](rates.md).\n",
        ]
    }

    private static func section(
        _ name: String,
        key: String,
        _ text: String,
        _ keys: [String],
        _ meanings: [String: String]
    ) -> String {
        let rows = keys.map { Self.row(["`\($0)`", meanings[$0] ?? ""]) }
        let table = ([Self.row(["key", "meaning"]), "|---|---|"] + rows).joined(separator: "\n")
        return "## \(name)\n\nUnder `\(key)` in the file only. \(text)\n\n\(table)\n"
    }
}
