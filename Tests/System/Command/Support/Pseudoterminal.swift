// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// A program in a terminal of its own.
struct Pseudoterminal {
    /// What is done once a text has appeared.
    enum Action {
        case press(String)
        case terminate
        case resize(rows: Int, columns: Int)

        fileprivate var words: [String] {
            switch self {
            case .press(let keys): ["press", keys]
            case .terminate: ["terminate"]
            case .resize(let rows, let columns): ["resize", "\(rows)", "\(columns)"]
            }
        }
    }

    /// Everything that the terminal got.
    let text: String
    let status: Int
    /// Whether the terminal is as it was before.
    let isRestored: Bool

    /// What the standard library of Python has and Swift has not.
    private static let driver = """
        import fcntl, json, os, pty, select, signal, struct, subprocess, sys, termios, time
        steps, command = json.loads(sys.argv[1]), sys.argv[2:]
        master, slave = pty.openpty()
        def resize(rows, columns):
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        resize(40, 100)
        before = termios.tcgetattr(slave)
        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
        text, seen, deadline = b"", 0, time.monotonic() + 40
        while time.monotonic() < deadline:
            ready, _, _ = select.select([master], [], [], 0.05)
            if ready: text += os.read(master, 65536)
            if steps and (place := text.find(steps[0][0].encode(), seen)) >= 0:
                (want, action, *rest), steps = steps[0], steps[1:]
                seen = place + len(want.encode())
                if action == "press": os.write(master, rest[0].encode())
                if action == "terminate": process.terminate()
                if action == "resize":
                    resize(int(rest[0]), int(rest[1]))
                    process.send_signal(signal.SIGWINCH)
            if not ready and process.poll() is not None: break
        else:
            process.kill()
        print(json.dumps({"text": text.decode(errors="replace"), "status": process.wait(),
                          "restored": termios.tcgetattr(slave) == before}))
        """

    /// Runs a program of this package to its end.
    /// - Parameter steps: Texts to wait for, one after the other, and what to do then.
    static func run(
        _ arguments: [String],
        _ steps: [(text: String, action: Action)] = [],
        environment: [String: String] = [:],
        in folder: TestFolder
    ) async throws -> Pseudoterminal {
        var writer = JSON.Writer()
        writer.beginArray()
        for step in steps {
            writer.beginArray()
            for word in [step.text] + step.action.words { writer.string(word) }
            writer.endArray()
        }
        writer.endArray()
        let program = try Program(
            at: URL(fileURLWithPath: "/usr/bin/python3"),
            [
                "-c", Self.driver, String(decoding: writer.bytes, as: UTF8.self),
                Program.folder.appendingPathComponent("broadtape").path,
            ] + arguments,
            environment: environment,
            in: folder
        )
        let record: Program.Record
        do {
            record = try await program.end(within: .seconds(60))
        } catch {
            try await program.kill()
            throw error
        }
        let answer = try JSON.Value.parse(Array(record.output.utf8))
        return Pseudoterminal(
            text: try #require(answer["text"]?.string, "\(record)"),
            status: try #require(answer["status"]?.integer(in: .seq)),
            isRestored: answer["restored"]?.bool == true
        )
    }
}
