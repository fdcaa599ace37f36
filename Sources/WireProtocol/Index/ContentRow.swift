// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// One content, with who offers it: an element of the answer to `lookup`, and with a key a row of `list`.
package struct ContentRow: Equatable, Sendable {
  package let content: Content
  package let title: Title
  package let modified: Timestamp
  /// How many offer it; `holders` may name fewer.
  package let total: Int
  package let holders: [HolderRow]

  package init(content: Content, title: Title, modified: Timestamp, total: Int, holders: [HolderRow]) {
    self.content = content
    self.title = title
    self.modified = modified
    self.total = total
    self.holders = holders
  }

  init(_ object: JSONObject) throws(WireFailure) {
    var holders = [HolderRow]()
    for value in try object.array("holders") {
      guard let holder = value.object else { throw .badRequest("holders is an array of objects") }
      holders.append(try HolderRow(holder))
    }
    self.init(
      content: try object.content(), title: try object.title(), modified: try object.modified(),
      total: Int(try object.integer("total", in: 0...Int64(Int32.max))), holders: holders)
  }

  /// The members of a row; the caller has begun the object.
  package func writeMembers(to output: inout JSONWriter) {
    output.member("content", content.root)
    output.member("title", title.text)
    output.member("size", content.size)
    output.member("modified", modified)
    output.member("total", total)
    output.key("holders")
    output.beginArray()
    for holder in holders { holder.write(to: &output) }
    output.endArray()
  }
}

/// A row of `list`.
package struct DocumentRow: Equatable, Sendable {
  package let key: DocumentKey
  package let entry: ContentRow

  package init(key: DocumentKey, entry: ContentRow) {
    self.key = key
    self.entry = entry
  }

  init(_ object: JSONObject) throws(WireFailure) {
    self.init(key: try object.key(), entry: try ContentRow(object))
  }
}
