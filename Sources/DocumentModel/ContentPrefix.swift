// SPDX-License-Identifier: Apache-2.0

/// Contents named by the first digits of their root, and by their size where roots are equal: `PREFIX` or `PREFIX:SIZE`.
package struct ContentPrefix: Hashable, Sendable {
  package static let fewestDigits = 4

  package let roots: DigestPrefix
  package let size: Int64?

  package init(roots: DigestPrefix, size: Int64? = nil) {
    self.roots = roots
    self.size = size
  }

  package func contains(_ content: Content) -> Bool {
    roots.contains(content.root) && (size == nil || size == content.size)
  }
}
