// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// A row of `list --mine`.
package struct CatalogueRow: Hashable, Sendable {
  package let key: String
  package let path: String
  package let content: Content
  package let isShared: Bool

  package init(key: String, path: String, content: Content, isShared: Bool) {
    self.key = key
    self.path = path
    self.content = content
    self.isShared = isShared
  }

  /// `nil` if the event is not such a row.
  package init?(_ event: JSONValue) {
    guard let key = event["key"]?.string, let path = event["path"]?.string, let content = Content(event),
      let state = event["state"]?.string
    else { return nil }
    self.init(key: key, path: path, content: content, isShared: state == "shared")
  }
}

extension Content {
  /// From the fields `content` and `size`.
  package init?(_ json: JSONValue) {
    guard let hex = json["content"]?.string, let root = Digest(hex: hex), let size = json["size"]?.integer else {
      return nil
    }
    self.init(root: root, size: size)
  }
}

extension Ledger {
  /// Differences between what was acknowledged and the catalogue. Empty if there are none.
  package func contradictions(_ rows: [CatalogueRow], isSettled: Bool) -> [String] {
    let rowsByPath = Dictionary(grouping: rows) { $0.path }
    return expectations(isSettled: isSettled).compactMap { expected in
      let found = (rowsByPath[expected.path] ?? []).filter { $0.key == expected.key && $0.isShared }
      switch expected.rule {
      case .shared(let content):
        guard !found.contains(where: { $0.content == content }) else { return nil }
        let instead = (rowsByPath[expected.path] ?? []).map { "\($0.key) \($0.content) shared: \($0.isShared)" }
        return "\(expected.key) at \(expected.path) should be shared as \(content), found: \(instead)"
      case .notShared:
        guard let row = found.first else { return nil }
        return "\(expected.key) at \(expected.path) is still shared as \(row.content)"
      }
    }
  }
}
