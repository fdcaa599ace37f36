// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import DocumentModel
package import WireProtocol

/// Resolves a key to one content and its holders. Never picks the most-held content silently: holders may lie.
package struct SourceChoice: Equatable, Sendable {
  package let content: ContentListing
  /// Holders to ask, in the index's order.
  package let holders: [Holder]
  /// Name or id prefix of the requested source.
  private let from: String?
  /// The requested source.
  package let peer: PeerID?
  private let own: PeerID

  /// - Parameters:
  ///   - from: name or id prefix of a peer.
  ///   - prefix: prefix of a content's root, with `:SIZE` to tell contents of the same root apart.
  ///   - newest: whether the latest date decides between several contents.
  package init(
    _ key: DocumentKey, _ found: LookupReply, from: String?, prefix: String?, newest: Bool = false,
    asking own: PeerID
  ) throws(WireFailure) {
    var contents = found.contents
    if let prefix {
      contents = contents.filter { Self.isMeant($0.content, by: prefix) }
      // The index selects by prefixes that are long enough, so only a shorter one leaves any out.
      guard found.more == 0 || contents.count > 1 else {
        throw WireFailure(
          .severalContents,
          "\(key) has \(found.contents.count + found.more) different contents; give at least "
            + "\(ContentPrefix.fewestDigits) digits of one",
          choices: found.bounded.contents)
      }
      guard !contents.isEmpty else {
        throw WireFailure(.notFound, "no content under \(key) begins with \(prefix); p2pctl lookup lists the contents")
      }
    }
    if let from {
      contents = try Self.restrict(contents, to: from, key)
    }
    // An index that leaves contents out may have left out the newest.
    if newest, found.more == 0 { contents = Self.newest(of: contents) }
    guard let first = contents.first else {
      throw WireFailure(.notFound, "nobody shares \(key) now; p2pctl list shows what is available")
    }
    guard contents.count == 1, found.more == 0 || prefix != nil || from != nil else {
      throw WireFailure(
        .severalContents,
        "\(key) has \(contents.count + found.more) different contents; choose one\(Self.sizes(of: contents))",
        choices: LookupReply(key: key, contents: contents, more: found.more).bounded.contents)
    }
    content = first
    let others = first.holders.filter { $0.peer != own }
    holders = others.isEmpty ? first.holders : others
    peer = from == nil ? nil : first.holders.first?.peer
    self.from = peer?.hex ?? from
    self.own = own
  }

  /// The choice of a download that has begun.
  /// - Parameters:
  ///   - found: a lookup of its content.
  ///   - peer: its only source.
  package init(_ document: Document, _ found: LookupReply?, from peer: PeerID?, asking own: PeerID) {
    let row = found?.contents.first { $0.content == document.content }
    content = ContentListing(
      content: document.content, title: document.title, modified: document.modified, executable: document.executable,
      total: row?.total ?? 0, holders: row?.holders ?? [])
    holders = (row?.holders ?? []).filter { $0.peer != own && (peer == nil || $0.peer == peer) }
    self.peer = peer
    from = peer?.hex
    self.own = own
  }

  /// Holders of the content in a later lookup, and the total number.
  package func others(in found: LookupReply) -> (holders: [Holder], total: Int)? {
    guard let row = found.contents.first(where: { $0.content == content.content }) else { return nil }
    let others = row.holders.filter(admits)
    // A lookup of one peer reports all its holders.
    return (others, from == nil ? row.total : others.count)
  }

  /// Whether a holder of the content may be a source.
  package func admits(_ holder: Holder) -> Bool {
    holder.peer != own && from.map { Self.isMeant(holder, by: $0) } ?? true
  }

  /// The contents with the latest date; several if their dates are equal.
  private static func newest(of contents: [ContentListing]) -> [ContentListing] {
    let latest = contents.map(\.modified.seconds).max()
    return contents.filter { $0.modified.seconds == latest }
  }

  private static func isMeant(_ content: Content, by prefix: String) -> Bool {
    let parts = prefix.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let root = parts.first, content.root.hex.hasPrefix(root.lowercased()) else { return false }
    return parts.count == 1 || Int64(parts[1]) == content.size
  }

  /// A hint for contents that differ only in size; empty if there are none.
  private static func sizes(of contents: [ContentListing]) -> String {
    let sizes = Dictionary(grouping: contents.map(\.content), by: \.root).values.first { $0.count > 1 }
    guard let sizes else { return "" }
    let named = sizes.prefix(3).map { "\($0.root.hex.prefix(12)):\($0.size)" }.joined(separator: ", ")
    return "; contents with the same id differ in size, use --content PREFIX:SIZE: \(named)"
  }

  private static func isMeant(_ holder: Holder, by from: String) -> Bool {
    holder.name.text == from || holder.peer.hex.hasPrefix(from.lowercased())
  }

  /// - Parameter from: a name or an id prefix.
  /// - Returns: `nil` if none of the holders is meant.
  /// - Throws: `ambiguous-peer`.
  static func peer(called from: String, among holders: [Holder]) throws(WireFailure) -> PeerID? {
    let meant = holders.filter { isMeant($0, by: from) }
    let peers = Dictionary(meant.map { ($0.peer, $0.name) }) { first, _ in first }
    guard peers.count <= 1 else {
      throw WireFailure(
        .ambiguousPeer, "\(peers.count) peers are called \(from); choose one by its id",
        peers: peers.sorted { $0.key < $1.key }.map { NamedPeer(peer: $0.key, name: $0.value) })
    }
    return peers.keys.first
  }

  private static func restrict(
    _ contents: [ContentListing], to from: String, _ key: DocumentKey
  ) throws(WireFailure) -> [ContentListing] {
    let isMeant = { (holder: Holder) in Self.isMeant(holder, by: from) }
    guard try peer(called: from, among: contents.flatMap(\.holders)) != nil else {
      throw WireFailure(.notFound, "no holder of \(key) is called \(from); p2pctl lookup lists the holders")
    }
    return contents.compactMap { row in
      let holders = row.holders.filter(isMeant)
      guard !holders.isEmpty else { return nil }
      return ContentListing(
        content: row.content, title: row.title, modified: row.modified, executable: row.executable, total: row.total,
        holders: holders)
    }
  }
}

extension SourceChoice {
  /// Asks the index for other holders of the content, under any key.
  /// - Parameter home: the network in which the download began.
  func lookUpOthers(_ link: IndexLink, in home: Home) async -> (holders: [Holder], total: Int)? {
    let peer = from.flatMap { PeerID(hex: $0) }
    let query = IndexRequest.lookup(.init(.content(content.content), peer: peer))
    let found = try? await link.ask(query, in: home, LookupReply.init)
    return found.flatMap(others)
  }
}
