// SPDX-License-Identifier: Apache-2.0

/// The rate of one pair.
public struct RateChange: EventContent {
    /// The name of the event type.
    public static let type = "rateChange"

    /// What it is the rate of, such as `BTC/USDT`.
    public var pair: String
    /// A decimal string.
    public var rate: String
    /// A decimal string.
    public var bid: String?
    /// A decimal string.
    public var ask: String?
    /// Where it was quoted.
    public var exchange: String?
    /// The number that the exchange gave it.
    public var sequence: Int?

    /// Reads the fields.
    public init(_ data: EventData) throws(EventData.Unreadable) {
        self.pair = data["pair"] ?? data.event.key
        self.rate = try data.required("rate")
        self.bid = data["bid"]
        self.ask = data["ask"]
        self.exchange = data["exchange"]
        self.sequence = data.integer("sequence")
    }
}
