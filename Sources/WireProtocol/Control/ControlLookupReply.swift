// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// What stands under one key.
package struct ControlLookupReply: ControlReply {
  package var key: DocumentKey
  /// Most-held first, at most 16.
  package var contents: [HeldContent]
  /// How many contents are left out.
  package var more: Int

  package init(key: DocumentKey, contents: [HeldContent], more: Int) {
    self.key = key
    self.contents = contents
    self.more = more
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    key = try fields.key()
    contents = try fields.elements("contents")
    more = try fields.optionalCount("more") ?? 0
  }

  package var members: JSONMembers {
    ["key": .string(key.text), "contents": .array(contents.map(\.json)), "more": .integer(Int64(more))]
  }
}
