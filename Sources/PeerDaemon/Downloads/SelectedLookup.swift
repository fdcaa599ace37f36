// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import WireProtocol

/// Looks a key up for a download. The index is asked for the wanted contents and holders, so others under the key cannot hide
/// them.
struct SelectedLookup: Sendable {
  /// Fewer digits of an id are no id: they may be a name.
  private static let fewestDigits = 8
  /// An index has at most as many peers; each takes part in one page.
  private static let maxPeers = 20_000
  /// More peers of one name than this are not asked about.
  private static let maxNamed = 8

  let link: IndexLink
  /// The network to which the look-up belongs.
  let home: Home
  let key: DocumentKey
  /// Name or id prefix of a peer.
  let from: String?
  /// `PREFIX[:SIZE]` of a content.
  let content: String?

  /// - Throws: `not-found` if nobody has the key.
  func reply() async throws(WireFailure) -> LookupReply {
    let contents = content.flatMap { ContentPrefix(typed: $0) }
    if let from, let peers = Self.prefix(from), let found = try await ask(contents, peers) { return found }
    guard let found = try await ask(contents, nil) else {
      guard contents != nil, try await ask(nil, nil) != nil else {
        throw WireFailure(.notFound, "nobody shares \(key) now; p2pctl list shows what is available")
      }
      return LookupReply(key: key, contents: [], more: 0)
    }
    guard let from, found.more > 0 || found.contents.contains(where: { $0.total > $0.holders.count }) else {
      return found
    }
    return try await reply(of: from, contents) ?? found
  }

  /// What the peers of a name have, of whom the index has not shown all.
  private func reply(of name: String, _ contents: ContentPrefix?) async throws(WireFailure) -> LookupReply? {
    var named = Set<PeerID>()
    _ = try await IndexQueries(link: link, home: home).peers(limit: Self.maxPeers) { rows in
      for row in rows where row.name.text == name { named.insert(row.peer) }
    }
    var (rows, more) = ([ContentListing](), 0)
    for peer in named.sorted().prefix(Self.maxNamed) {
      guard let found = try await ask(contents, DigestPrefix(peer.digest)) else { continue }
      rows += found.contents
      more += found.more
    }
    return rows.isEmpty ? nil : LookupReply(key: key, contents: Self.merged(rows), more: more)
  }

  private static func merged(_ rows: [ContentListing]) -> [ContentListing] {
    var merged = [ContentListing]()
    for row in rows {
      guard let place = merged.firstIndex(where: { $0.content == row.content }) else {
        merged.append(row)
        continue
      }
      let other = merged[place]
      merged[place] = ContentListing(
        content: row.content, title: other.title, modified: other.modified, executable: other.executable,
        total: other.total + row.total, holders: other.holders + row.holders)
    }
    return merged
  }

  private func ask(_ contents: ContentPrefix?, _ peers: DigestPrefix?) async throws(WireFailure) -> LookupReply? {
    do throws(WireFailure) {
      let query = IndexRequest.lookup(.init(.key(key), contents: contents, peers: peers))
      return try await link.ask(query, in: home, LookupReply.init)
    } catch  where error.code == .notFound {
      return nil
    }
  }

  private static func prefix(_ from: String) -> DigestPrefix? {
    from.utf8.count >= fewestDigits ? DigestPrefix(hex: from.lowercased()) : nil
  }
}

extension ContentPrefix {
  /// Reads `PREFIX[:SIZE]`; `nil` if the index does not take it.
  fileprivate init?(typed text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let digits = parts.first, digits.utf8.count >= Self.fewestDigits,
      let roots = DigestPrefix(hex: digits.lowercased())
    else { return nil }
    if parts.count == 1 {
      self.init(roots: roots)
    } else if let size = Int64(parts[1]), (0...Content.maximumSize).contains(size) {
      self.init(roots: roots, size: size)
    } else {
      return nil
    }
  }
}
