// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// `remove`: stop sharing; no file is deleted.
package struct RemoveDocument: ControlMessage {
  package var key: DocumentKey
  /// The beginning of the root of the content that is meant; `nil` for all under the key.
  package var content: String?

  package init(key: DocumentKey, content: String? = nil) {
    self.key = key
    self.content = content
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    key = try fields.key()
    content = try fields.optionalString("content")
  }

  package var members: JSONMembers {
    var members: JSONMembers = ["key": .string(key.text)]
    if let content { members["content"] = .string(content) }
    return members
  }
}
