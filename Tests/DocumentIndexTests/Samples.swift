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
  func open(_ session: UInt64, peer: Int? = nil, name: String = "peer", port: UInt16? = 4000) throws {
    let peer = peer ?? Int(session)
    open(
      SessionID(session), peer: Sample.peer(peer), name: try PeerName(name), host: "192.0.2.\(peer)", port: port)
  }

  func lookup(
    _ key: String, roots: String? = nil, size: Int64? = nil, peer: PeerID? = nil,
    holderLimit: Int = defaultHolderLimit, contentLimit: Int = defaultContentLimit
  ) throws -> LookupResult {
    var generator = SeededGenerator(seed: 1)
    return lookup(
      key: try DocumentKey(key), roots: roots.flatMap { DigestPrefix(hex: $0) }, size: size,
      peers: peer.map { DigestPrefix($0.digest) }, holderLimit: holderLimit, contentLimit: contentLimit,
      using: &generator)
  }

  /// One page of a list.
  func list(_ query: ListQuery, limit: Int = 1000, after position: ListPosition? = nil) -> ListPage {
    var generator = SeededGenerator(seed: 1)
    return list(query, limit: limit, after: position, using: &generator).page
  }

  /// - Returns: the page, and how many slices of time it took.
  func list(
    _ query: ListQuery, limit: Int, after position: ListPosition?, using generator: inout some RandomNumberGenerator
  ) -> (page: ListPage, slices: Int) {
    var search = ListSearch(query, limit: limit, after: position)
    var (found, slices) = (ListRows(), 0)
    repeat {
      advance(&search, using: &generator, visitor: &found)
      slices += 1
    } while !search.isComplete
    return (ListPage(rows: found.rows, next: search.next), slices)
  }

  /// The keys of one page of documents.
  func keys(
    collection: String? = nil, prefix: String = "", words: [String] = [], limit: Int = 1000, after: DocumentID? = nil
  ) -> [String] {
    let query = ListQuery(collection: collection, prefix: prefix, words: words.joined(separator: " "))
    return list(query, limit: limit, after: after.map { .document($0) }).rows.documents.map(\.document.key.text)
  }

  /// All rows of a list by level, as `prefix/: N`, or the key of a document.
  func levels(
    collection: String? = nil, prefix: String, words: String = "", page limit: Int = 1000
  ) throws -> [String] {
    let query = ListQuery(collection: collection, prefix: prefix, isLevel: true, words: words)
    var rows = [ListRow]()
    var position: ListPosition?
    repeat {
      let page = list(query, limit: limit, after: position)
      rows += page.rows
      position = try page.next.map { try ListPosition(cursor: $0.cursor) }
    } while position != nil
    return rows.map { row in
      switch row {
      case .document(let listing): listing.document.key.text
      case .level(let level): "\(level.prefix): \(level.documents)"
      }
    }
  }
}

/// A page of a list.
struct ListPage {
  let rows: [ListRow]
  let next: ListPosition?
}

extension [ListRow] {
  /// Those that are no levels.
  var documents: [DocumentListing] {
    compactMap { if case .document(let listing) = $0 { listing } else { nil } }
  }
}
