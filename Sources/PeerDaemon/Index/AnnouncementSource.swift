// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Where a page of the announcement ended.
package struct AnnouncementCursor: Sendable {
  package let key: DocumentKey
  package let content: Content

  package init(key: DocumentKey, content: Content) {
    self.key = key
    self.content = content
  }
}

/// What is shared, in pages: the whole of it is told to the index at each connection.
package protocol AnnouncementSource: Sendable {
  /// - Returns: the documents after `cursor` in key order and where they ended, `nil` for the last page; nothing where
  ///   they cannot be read.
  func page(after cursor: AnnouncementCursor?) async -> (documents: [Document], next: AnnouncementCursor?)?
}
