// SPDX-License-Identifier: Apache-2.0

/// Receives the events of a connection to Redis.
///
/// All methods are called on the connection's event loop, in order; none may block.
protocol RedisReceiver: AnyObject, Sendable {
    /// The greeting is complete; commands can be sent.
    func opened(_ connection: RedisConnection)

    /// A reply or a message, except replies to keep-alive; messages may arrive before ``opened(_:)``.
    func received(_ value: RedisValue, from connection: RedisConnection)

    /// ``RedisConnection/isWritable`` may have become true.
    func becameWritable(_ connection: RedisConnection)

    /// The connection has ended or could not be opened. Final.
    func ended(_ ending: RedisEnding)
}
