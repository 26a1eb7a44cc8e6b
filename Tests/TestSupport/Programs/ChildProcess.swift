// SPDX-License-Identifier: Apache-2.0

import CSpawn
import Foundation
import Synchronization

/// A process that the tests started. Nothing else in the tests starts one.
///
/// Foundation's `Process` is not used: it crashes where the tests have more than some 1,350 files open, hands on the
/// signals that the starting thread blocks and what another thread opens at that moment, and reports an end only when
/// nobody has the other end of a socket any more.
final class ChildProcess: Sendable {
    /// What its standard input, output and errors are.
    struct Streams {
        var input: Int32
        var output: Int32
        var errors: Int32
    }

    let identifier: pid_t
    private let hasEnded = Mutex(false)

    /// Starts a program. It has its three streams open and nothing else, and all signals have their default effect.
    /// - Parameters:
    ///   - command: The program, by its path or a name to be found in `PATH`, and its arguments.
    ///   - folder: The working directory; nil is the tests' own.
    init(
        _ command: [String],
        environment: [String: String],
        in folder: String?,
        _ streams: Streams
    ) throws(SetupFailure) {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        #else
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        #endif
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        for (target, source) in [streams.input, streams.output, streams.errors].enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, source, Int32(target))
        }
        if let folder { unsafe posix_spawn_file_actions_addchdir_np(&actions, folder) }
        var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        #if canImport(Darwin)
        flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
        #else
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        #endif
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        let words = unsafe command.map { unsafe strdup($0) } + [nil]
        let variables = unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
        defer { unsafe (words + variables).forEach { unsafe free($0) } }
        var identifier: pid_t = 0
        let fault = unsafe posix_spawnp(&identifier, command[0], &actions, &attributes, words, variables)
        guard fault == 0 else {
            throw SetupFailure(description: "\(command) cannot be run: \(unsafe String(cString: strerror(fault)))")
        }
        self.identifier = identifier
    }

    /// Waits until it has ended. Blocks the thread; to be called once.
    /// - Returns: The exit status; a signal's number below zero.
    func wait() -> Int32 {
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(self.identifier), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        // Until this asks for the status, the number is not given to another process.
        return self.hasEnded.withLock { hasEnded in
            hasEnded = true
            var status: Int32 = 0
            while unsafe waitpid(self.identifier, &status, 0) == -1, errno == EINTR {}
            let signal = status & 0x7F
            return signal == 0 ? (status >> 8) & 0xFF : -signal
        }
    }

    /// Sends a signal, unless it has ended.
    func signal(_ number: Int32) {
        self.hasEnded.withLock { hasEnded in
            guard !hasEnded else { return }
            Foundation.kill(self.identifier, number)
        }
    }
}
