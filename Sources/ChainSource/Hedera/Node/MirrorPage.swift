// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A page of rows, and the path of the next page.
package struct MirrorPage<Row: Sendable>: Sendable {
    package var rows: [Row]
    /// To be requested unchanged; nil on the last page.
    package var next: String?

    package init(rows: [Row], next: String?) {
        self.rows = rows
        self.next = next
    }

    /// - Parameter member: Member of the answer that contains the rows.
    fileprivate init(
        _ value: JSON.Value,
        _ member: String,
        _ row: (JSON.Value) throws(NodeFault) -> Row
    ) throws(NodeFault) {
        guard let list = value[member], list.kind == .array, let link = value["links"]?["next"] else {
            throw .again("the answer has no \"\(member)\" or \"links\"")
        }
        var rows: [Row] = []
        for element in list.elements { rows.append(try row(element)) }
        if link.isNull {
            self.next = nil
        } else {
            guard let path = link.string, MirrorPath.isLink(path) else {
                throw .again("the link to the next page is not a path of this mirror")
            }
            self.next = path
        }
        self.rows = rows
    }
}

extension MirrorPage where Row == MirrorLog {
    /// Parses the answer to ``MirrorPath/logs(_:from:before:)``.
    package init(logs value: JSON.Value) throws(NodeFault) {
        try self.init(value, "logs") { row throws(NodeFault) in try MirrorLog(row) }
    }
}

extension MirrorPage where Row == MirrorMessage {
    /// Parses the answer to ``MirrorPath/messages(_:after:)``.
    package init(messages value: JSON.Value) throws(NodeFault) {
        try self.init(value, "messages") { row throws(NodeFault) in try MirrorMessage(row) }
    }
}
