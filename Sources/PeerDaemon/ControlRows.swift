// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import DocumentModel
package import WireProtocol

/// What an index reports, as the control plane passes it on: whatever it sends, an answer fits a line.

extension LookupReply {
  private static let maxContents = 16
  fileprivate static let maxHolders = 50
  fileprivate static let maxHoldersOfRow = 3

  /// The first contents, and how many more there are.
  var told: (contents: [HeldContent], more: Int) {
    let left = max(contents.count - Self.maxContents, 0)
    return (contents.prefix(Self.maxContents).map(HeldContent.init), more + left)
  }
}

extension ReportedHolder {
  package init(_ row: HolderRow) {
    self.init(peer: row.peer, name: row.name, host: row.host, port: row.port, complete: row.complete)
  }
}

extension HeldContent {
  package init(_ row: ContentRow) {
    self.init(
      content: row.content, title: row.title, modified: row.modified, total: row.total,
      holders: row.holders.prefix(LookupReply.maxHolders).map(ReportedHolder.init))
  }
}

extension ListedDocument {
  package init(_ row: DocumentRow) {
    let entry = row.entry
    self.init(
      document: Document(key: row.key, title: entry.title, content: entry.content, modified: entry.modified),
      total: entry.total, holders: entry.holders.prefix(LookupReply.maxHoldersOfRow).map(ReportedHolder.init))
  }

  /// One of our own.
  package init(_ share: Share) {
    self.init(
      document: share.document, total: share.state == .shared ? 1 : 0, holders: [], path: share.path,
      state: share.state == .shared ? .shared : .withdrawn)
  }
}

extension ConnectedPeer {
  package init(_ row: PeersReply.Row) {
    self.init(peer: row.peer, name: row.name, host: row.host, port: row.port, documents: row.documents)
  }
}
