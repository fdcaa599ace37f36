// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import DocumentTitles
package import WireProtocol

/// The key that an `add` asks for, and what key each file gets by it.
package enum RequestedKey: Equatable {
  /// None: it follows from the name of the file.
  case inferred
  /// For a single file.
  case exactly(DocumentKey)
  /// `collection/prefix/`, to be put before the name of each file; ends with a slash.
  case below(String)

  /// - Throws: `invalid-key`; `usage` where one key is given for what may be several files.
  package init(_ text: String?, isSingleFile: Bool) throws(WireFailure) {
    guard let text else {
      self = .inferred
      return
    }
    guard isSingleFile || text.hasSuffix("/") else {
      throw WireFailure(.usage, "one key is for one file; --key \(text)/ puts several below \(text)")
    }
    do throws(InvalidValue) {
      self = try Self.parse(text)
    } catch {
      throw WireFailure(.invalidKey, "\(TextRules.escapedForTerminal(text)) is no key: \(error.reason)")
    }
  }

  private static func parse(_ text: String) throws(InvalidValue) -> RequestedKey {
    guard text.hasSuffix("/") else { return .exactly(try DocumentKey(normalizing: text)) }
    let prefix = TextRules.normalized(text)
    // A name behind it shows whether it is one; a number is a name in every collection.
    _ = try DocumentKey(prefix + "0")
    return .below(prefix)
  }

  /// The key of a file that was named itself.
  package func key(ofFile name: String) throws(InvalidValue) -> DocumentKey {
    switch self {
    case .exactly(let key): key
    case .below(let prefix): try DocumentKey(normalizing: prefix + name)
    case .inferred:
      if let text = RFCText.recognise(fileName: name, bytes: []) {
        DocumentKey(rfc: text.number)
      } else {
        try DocumentKey(normalizing: "\(DocumentKey.fileCollection)/\(name)")
      }
    }
  }

  /// The key of a file below a directory that was named.
  /// - Parameter directory: the directory's own name; empty for `/`.
  package func key(of relativePath: some StringProtocol, in directory: String) throws(InvalidValue) -> DocumentKey {
    switch self {
    case .exactly(let key): key
    case .below(let prefix): try DocumentKey(normalizing: prefix + relativePath)
    case .inferred:
      try DocumentKey(
        normalizing: "\(DocumentKey.fileCollection)/" + (directory.isEmpty ? "" : "\(directory)/") + relativePath)
    }
  }
}
