// SPDX-License-Identifier: Apache-2.0

/// Whoever uses a connection to Redis.
///
/// Every method is called on the connection's event loop, in order; none may block.
protocol RedisReceiver: AnyObject, Sendable {
    /// The greeting is over; commands can be sent.
    func opened(_ connection: RedisConnection)

    /// An answer or a message, except answers to keep-alive; messages may come before ``opened(_:)``.
    func received(_ value: RedisValue, from connection: RedisConnection)

    /// ``RedisConnection/isWritable`` may have become true.
    func becameWritable(_ connection: RedisConnection)

    /// The connection has ended, or could not be made; nothing follows.
    func ended(_ ending: RedisEnding)
}
