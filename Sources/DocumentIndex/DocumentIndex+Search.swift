// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A look-up by key that may have to look at many contents, in slices: only certain contents or holders, or a key whose
/// contents are leaving.
///
/// It goes through the contents in their own order, in which nobody can move one past it.
package struct LookupSearch: Sendable {
  let key: DocumentKey
  let roots: DigestPrefix?
  let size: Int64?
  let peers: DigestPrefix?
  private let contentLimit: Int
  /// The last content that was looked at.
  var position: Content?
  /// The first ones among those found.
  private(set) var best: [Standing] = []
  private(set) var found = 0
  package fileprivate(set) var isComplete = false

  /// - Parameters:
  ///   - roots: only contents with such a root.
  ///   - size: only contents of this size.
  ///   - peers: only holders that are one of these.
  package init(
    key: DocumentKey, roots: DigestPrefix? = nil, size: Int64? = nil, peers: DigestPrefix? = nil,
    contentLimit: Int = DocumentIndex.defaultContentLimit
  ) {
    self.key = key
    self.roots = roots
    self.size = size
    self.peers = peers
    self.contentLimit = contentLimit
  }

  fileprivate mutating func note(_ standing: Standing) {
    found += 1
    guard best.count < contentLimit || best.last.map({ standing < $0 }) == true else { return }
    if best.count == contentLimit { best.removeLast() }
    best.insert(standing, at: best.firstIndex { standing < $0 } ?? best.count)
  }
}

extension DocumentIndex {
  /// Goes on with a look-up: call it until it is complete, then `visit`. Between calls the index may change.
  /// - Parameter work: number of contents to look at, roughly.
  package func advance(_ search: inout LookupSearch, _ work: Int) {
    guard let key = keys.find(search.key.text), let ranking = keys[key] else { return search.isComplete = true }
    let known = search.peers.map { sources(of: $0) }
    if let known, known.isEmpty { return search.isComplete = true }
    switch ranking {
    case .one(let entry):
      if search.position == nil { consider(entry, known, &search) }
    case .many(let rivals):
      var position = start(of: search, in: rivals)
      var left = work
      while left > 0 {
        guard let entry = rivals.byContent.next(&position)?.slot else { return search.isComplete = true }
        let content = entries[entry].content
        if let roots = search.roots, roots.last < content.root { return search.isComplete = true }
        consider(entry, known, &search)
        search.position = content
        left -= 1 + min(known?.count ?? 0, entries[entry].holders.count) / 16
      }
      return
    }
    search.isComplete = true
  }

  private func start(of search: LookupSearch, in rivals: Rivals) -> SortedBlocks<RootedSlot>.Position {
    if let passed = search.position { return position(behind: passed, in: rivals) }
    if let roots = search.roots { return position(ofRoot: roots.first, in: rivals) }
    return rivals.byContent.start
  }

  private func consider(_ entry: UInt32, _ known: [UInt32]?, _ search: inout LookupSearch) {
    guard isWanted(entries[entry].content, search) else { return }
    let holders = holders(of: entry, search, known)
    guard !holders.wanted.isEmpty else { return }
    search.note(standing(entry, holders.all))
  }

  private func isWanted(_ content: Content, _ search: LookupSearch) -> Bool {
    if let roots = search.roots, !roots.contains(content.root) { return false }
    return search.size == nil || search.size == content.size
  }

  private func holders(
    of entry: UInt32, _ search: LookupSearch, _ known: [UInt32]?
  ) -> (wanted: HolderSet, all: HolderSet) {
    let all = isSettled ? entries[entry].holders : liveHolders(of: entry)
    guard let peers = search.peers, let known else { return (all, all) }
    return (restrict(all, to: peers, known), all)
  }

  /// Visits what a complete search has found, most-held first.
  package func visit(
    _ search: LookupSearch, holderLimit: Int = defaultHolderLimit,
    using generator: inout some RandomNumberGenerator, visitor: inout some LookupVisitor
  ) -> LookupOutcome {
    guard let key = keys.find(search.key.text) else { return .nothing }
    let known = search.peers.map { sources(of: $0) }
    var visited = 0
    for standing in search.best {
      guard let entry = findEntry(underKey: key, standing.content) else { continue }
      let holders = holders(of: entry, search, known).wanted
      guard !holders.isEmpty else { continue }
      visit(entry, holders, holderLimit, using: &generator, visitor: &visitor)
      visited += 1
    }
    return visited == 0 ? .nothing : .found(more: search.found - search.best.count)
  }
}
