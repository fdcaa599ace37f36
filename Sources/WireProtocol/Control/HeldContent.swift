// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// One content under a key and who holds it: an element of `lookup`, and a choice where several stand under one key.
package struct HeldContent: ControlMessage {
  package var content: Content
  package var title: Title
  package var modified: Timestamp
  /// How many hold it, including those that are not listed.
  package var total: Int
  package var holders: [ReportedHolder]

  package init(content: Content, title: Title, modified: Timestamp, total: Int, holders: [ReportedHolder]) {
    self.content = content
    self.title = title
    self.modified = modified
    self.total = total
    self.holders = holders
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    content = try fields.content()
    title = try fields.title()
    modified = try fields.timestamp("modified")
    total = try fields.count("total")
    holders = try fields.elements("holders")
  }

  package var members: JSONMembers {
    [
      "content": .string(content.root.hex), "title": .string(title.text), "size": .integer(content.size),
      "modified": .string(modified.text), "total": .integer(Int64(total)),
      "holders": .array(holders.map(\.json)),
    ]
  }
}
