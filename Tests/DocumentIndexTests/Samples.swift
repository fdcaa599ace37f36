// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport

/// Values made of small numbers.
enum Sample {
  static func digest(_ number: Int) -> Digest {
    let text = String(number + 1, radix: 16)
    return Digest(hex: String(repeating: "0", count: 64 - text.count) + text) ?? .zero
  }

  static func content(_ number: Int, size: Int64 = 1000) throws -> Content {
    guard let content = Content(root: digest(number), size: size) else { throw InvalidValue("no content") }
    return content
  }

  static func peer(_ number: Int) -> PeerID { PeerID(digest: digest(number)) }

  static func document(
    _ key: String, _ content: Int = 0, title: String = "", modified: Int64 = 0
  ) throws -> Document {
    Document(
      key: try DocumentKey(key), title: try Title(title), content: try Self.content(content),
      modified: Timestamp(seconds: modified))
  }
}

extension DocumentIndex {
  /// Opens session N for peer N at 192.0.2.N.
  mutating func open(_ session: UInt64, peer: Int? = nil, name: String = "peer", port: UInt16? = 4000) throws {
    let peer = peer ?? Int(session)
    open(
      SessionID(session), peer: Sample.peer(peer), name: try PeerName(name), host: "192.0.2.\(peer)", port: port)
  }

  func lookup(
    _ key: String, peer: PeerID? = nil, holderLimit: Int = defaultHolderLimit,
    contentLimit: Int = defaultContentLimit
  ) throws -> LookupResult {
    var generator = SeededGenerator(seed: 1)
    return lookup(
      key: try DocumentKey(key), peer: peer, holderLimit: holderLimit, contentLimit: contentLimit, using: &generator)
  }

  func keys(
    collection: String? = nil, words: [String] = [], limit: Int = 1000, after: DocumentID? = nil
  ) -> [String] {
    var generator = SeededGenerator(seed: 1)
    let page = list(collection: collection, words: words, limit: limit, after: after, using: &generator)
    return page.rows.map(\.document.key.text)
  }
}
