// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// `remove`: stops sharing; no file is deleted.
package enum RemoveDocuments: WireMessage {
  /// - Parameter content: a prefix of the root of the content; `nil` for all under the key.
  case document(DocumentKey, content: String? = nil)
  /// All documents whose keys begin with `collection/prefix/`.
  case prefix(String)

  package init(_ fields: some FieldReader) throws(WireFailure) {
    if let prefix = try fields.optionalString("prefix") {
      guard prefix.endsInSlash else { throw WireFailure(.invalidKey, "a prefix ends in /") }
      self = .prefix(prefix)
    } else {
      self = .document(try fields.typedKey(), content: try fields.optionalString("content"))
    }
  }

  package func write(to fields: inout some FieldWriter) {
    switch self {
    case .document(let key, let content):
      fields.member("key", key.text)
      if let content { fields.member("content", content) }
    case .prefix(let prefix): fields.member("prefix", prefix)
    }
  }
}
