// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON

extension MessageFields {
  func document() throws(WireFailure) -> Document {
    Document(key: try key(), title: try title(), content: try content(), modified: try timestamp("modified"))
  }
}

extension Document {
  /// Its five members in the order of the written protocol.
  var controlMembers: JSONMembers {
    [
      "key": .string(key.text), "title": .string(title.text), "content": .string(content.root.hex),
      "size": .integer(content.size), "modified": .string(modified.text),
    ]
  }
}
