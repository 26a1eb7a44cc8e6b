// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import Terminal

/// A stream whose other end is gone, full, or has stalled.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct StandardStreamTests {
    private static let line = Array((String(repeating: "x", count: 999) + "\n").utf8)

    init() {
        // As programs do.
        _ = signal(SIGPIPE, SIG_IGN)
    }

    /// Reads to the end on a thread of its own.
    private static func follow(_ handle: FileHandle) -> Watched<[UInt8]> {
        let received = Watched<[UInt8]>([])
        Thread.detachNewThread {
            while case let data = handle.availableData, !data.isEmpty { received.change { $0 += data } }
        }
        return received
    }

    @Test func whatIsPostedIsWrittenInOrder() async throws {
        let pipe = Pipe()
        let stream = StandardStream(pipe.fileHandleForWriting.fileDescriptor)
        let received = Self.follow(pipe.fileHandleForReading)
        let lines = (0..<1_000).map { "line \($0)\n" }
        for line in lines { stream.post(Array(line.utf8)) }
        stream.flush()
        try await received.wait(for: "all lines") { $0 == Array(lines.joined().utf8) }
        #expect(stream.dropped == 0)
    }

    /// Posting does not wait; the first lines stay, and the number of missing lines is reported when there is room again.
    @Test func aReaderThatStandsStillHoldsNobodyUp() async throws {
        let pipe = Pipe()
        let stream = StandardStream(pipe.fileHandleForWriting.fileDescriptor)
        stream.noticeDrops { Array("\($0) dropped\n".utf8) }
        let count = 3_000
        for _ in 0..<count { stream.post(Self.line) }
        let dropped = stream.dropped
        #expect(dropped > count / 2)
        #expect((count - dropped) * Self.line.count <= StandardStream.limit + 2 * 65_536 + Self.line.count)
        let start = ContinuousClock.now
        stream.flush(within: .milliseconds(10))
        #expect(ContinuousClock.now - start < .seconds(1))
        let received = Self.follow(pipe.fileHandleForReading)
        let kept = (count - dropped) * Self.line.count
        // Counts and not one count: where the thread came late, some were missing already when it took the first lines.
        try await received.wait(for: "the lines and their count") {
            $0.count > kept && $0.last == UInt8(ascii: "\n") && Self.told($0) == dropped
        }
        #expect(received.value.count { $0 == UInt8(ascii: "x") } == (count - dropped) * (Self.line.count - 1))
    }

    /// How many lines are missing, as the lines that say so tell together.
    private static func told(_ received: [UInt8]) -> Int {
        received.split(separator: UInt8(ascii: "\n")).filter { $0.first != UInt8(ascii: "x") }
            .compactMap { String(decoding: $0, as: UTF8.self).split(separator: " ").first.flatMap { Int($0) } }
            .reduce(0, +)
    }

    /// What the thread has taken and cannot get rid of is held as well.
    @Test func whatIsBeingWrittenCountsAgainstTheLimit() async throws {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        let stream = StandardStream(descriptor)
        stream.noticeDrops { Array("\($0) dropped\n".utf8) }
        let count = StandardStream.limit / Self.line.count
        stream.post(Array(repeatElement(Self.line, count: count).joined()))
        try await eventually("the pipe is full") {
            var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            return unsafe poll(&room, 1, 0) == 0
        }
        for _ in 0..<3 { stream.post(Self.line) }
        #expect(stream.dropped == 3)
        let received = Self.follow(pipe.fileHandleForReading)
        let size = count * Self.line.count + "3 dropped\n".utf8.count
        try await received.wait(for: "the lines and their count") { $0.count == size && Self.told($0) == 3 }
        // Then there is room again.
        stream.post(Self.line)
        try await received.wait(for: "another line") { $0.count == size + Self.line.count }
        #expect(stream.dropped == 3)
    }

    /// A disk that is full is tried again, and a line that was cut off does not run into the next.
    @Test func aFullDiskIsToldOfWhenThereIsRoomAgain() async throws {
        let full = unsafe open("/dev/full", O_WRONLY)
        defer { close(full) }
        let stream = StandardStream(full)
        stream.noticeDrops { Array("\($0) dropped\n".utf8) }
        for _ in 0..<3 { stream.post(Array("lost\n".utf8)) }
        try await eventually("they are given up") { stream.dropped == 3 }
        // Nothing is waited for that cannot be done.
        let start = ContinuousClock.now
        stream.flush(within: .seconds(10))
        #expect(ContinuousClock.now - start < .seconds(5))
        let pipe = Pipe()
        dup2(pipe.fileHandleForWriting.fileDescriptor, full)
        let received = Self.follow(pipe.fileHandleForReading)
        stream.post(Array("kept\n".utf8))
        try await received.wait(for: "the line and the count") { $0 == Array("kept\n3 dropped\n".utf8) }
    }

    @Test func aReaderThatHasLeftIsAnError() throws {
        let pipe = Pipe()
        try pipe.fileHandleForReading.close()
        let stream = StandardStream(pipe.fileHandleForWriting.fileDescriptor)
        #expect(stream.attempt(Array("x\n".utf8)) == EPIPE)
        let full = unsafe open("/dev/full", O_WRONLY)
        defer { close(full) }
        #expect(StandardStream(full).attempt(Array("x\n".utf8)) == ENOSPC)
    }

    /// A pipe that is not to be waited for is waited for all the same.
    @Test func aPipeThatDoesNotWaitGetsEverything() async throws {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        #expect(fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0)
        let stream = StandardStream(descriptor)
        for _ in 0..<500 { stream.post(Self.line) }
        let received = Self.follow(pipe.fileHandleForReading)
        try await received.wait(for: "all lines") { $0.count == 500 * Self.line.count }
        #expect(stream.dropped == 0)
    }
}
