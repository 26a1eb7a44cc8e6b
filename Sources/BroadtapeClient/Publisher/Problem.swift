// SPDX-License-Identifier: Apache-2.0

import JSON

/// Why the hub refused an HTTP request (RFC 9457).
public struct Problem: Sendable, Equatable {
    /// What is wrong with one event of a request.
    public struct Item: Sendable, Equatable {
        /// Index of the event in the request, from 0.
        public var index: Int
        /// The member at fault, such as `data.amount`.
        public var field: String?
        /// A sentence for the publisher.
        public var message: String

        /// Creates an item.
        public init(index: Int, field: String? = nil, message: String) {
            self.index = index
            self.field = field
            self.message = message
        }
    }

    /// The HTTP status.
    public var status: Int
    /// The kind of problem, a URI or `about:blank`.
    public var type: String
    /// The kind of problem in one word, such as `conflict`; empty if the answer has none.
    public var code: String
    /// The kind of problem in words.
    public var title: String
    /// What is wrong this time.
    public var detail: String
    /// What is wrong with each bad event.
    public var items: [Item]
    /// Seconds to wait before trying again, from `Retry-After`.
    public var retryAfter: Int?

    /// Creates a problem.
    public init(
        status: Int,
        type: String = "about:blank",
        code: String = "",
        title: String = "",
        detail: String = "",
        items: [Item] = [],
        retryAfter: Int? = nil
    ) {
        self.status = status
        self.type = type
        self.code = code
        self.title = title
        self.detail = detail
        self.items = items
        self.retryAfter = retryAfter
    }
}

extension Problem {
    /// Reads the body of an answer with an error status, whatever it is.
    init(status: Int, body: [UInt8], retryAfter: Int?) {
        self.init(status: status, retryAfter: retryAfter)
        guard let value = try? JSON.Value.parse(body), value.kind == .object else {
            self.detail = String(decoding: body.prefix(200), as: UTF8.self)
            return
        }
        self.type = value["type"]?.string ?? "about:blank"
        self.code = value["code"]?.string ?? ""
        self.title = value["title"]?.string ?? ""
        self.detail = value["detail"]?.string ?? ""
        self.items = Item.list(value["items"] ?? value["errors"])
    }
}

extension Problem.Item {
    /// Reads a list of items; others are left out.
    static func list(_ value: JSON.Value?) -> [Problem.Item] {
        guard let value else { return [] }
        return value.elements.compactMap { element in
            element["index"]?.integer(in: .seq).map { index in
                Problem.Item(
                    index: index,
                    field: element["field"]?.string,
                    message: element["message"]?.string ?? element["detail"]?.string ?? ""
                )
            }
        }
    }
}

extension Problem: CustomStringConvertible {
    /// A sentence or more for a human; at most three bad events are named.
    public var description: String {
        var text = "\(self.status)"
        if !self.title.isEmpty { text += " \(self.title)" }
        if !self.detail.isEmpty, self.detail != self.title { text += ": \(self.detail)" }
        for item in self.items.prefix(3) {
            text += "; event \(item.index)\(item.field.map { ", \($0)" } ?? ""): \(item.message)"
        }
        if self.items.count > 3 { text += "; and \(self.items.count - 3) more" }
        return text
    }
}
