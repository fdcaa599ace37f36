// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Where a page of the catalogue ended: the place of its last row in the order of key and content.
package struct CataloguePosition: Hashable, Sendable {
  package let key: DocumentKey
  package let content: Content

  package init(key: DocumentKey, content: Content) {
    self.key = key
    self.content = content
  }

  package init(after share: Share) {
    self.init(key: share.key, content: share.content)
  }
}
