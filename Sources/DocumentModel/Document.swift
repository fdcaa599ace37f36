// SPDX-License-Identifier: Apache-2.0

/// What a peer says of one thing that it shares.
package struct Document: Hashable, Sendable {
  package let key: DocumentKey
  package let title: Title
  package let content: Content
  package let modified: Timestamp

  package init(key: DocumentKey, title: Title, content: Content, modified: Timestamp) {
    self.key = key
    self.title = title
    self.content = content
    self.modified = modified
  }
}
