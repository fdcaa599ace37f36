// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Words that must all match a document, each as a prefix of a word of its title or name, case and accents folded: the
/// rule of `list`, for those who keep documents without an index.
package struct WordQuery: Sendable {
  private let prefixes: [[UInt8]]

  /// An empty text matches everything.
  package init(_ text: String) {
    prefixes = WordFolding.words(of: text)
  }

  package func matches(title: Title, key: DocumentKey) -> Bool {
    WordIndex.matches(prefixes, title: title, key: key)
  }
}
