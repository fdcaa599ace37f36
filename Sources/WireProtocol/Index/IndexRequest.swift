// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What a peer asks of an index.
package enum IndexRequest: Equatable, Sendable {
  case hello(IndexHello)
  case add([Document])
  case remove([RecordID])
  case lookup(Lookup)
  case list(ListQuery)
  case peers(PeersQuery)
  case stats
  case ping

  /// One record of the asking session.
  package struct RecordID: Hashable, Sendable {
    package let key: DocumentKey
    package let content: Content

    package init(key: DocumentKey, content: Content) {
      self.key = key
      self.content = content
    }
  }

  package struct Lookup: Equatable, Sendable {
    package enum Subject: Equatable, Sendable {
      case key(DocumentKey)
      case content(Content)
    }

    package let subject: Subject
    /// Only what this peer holds.
    package let peer: PeerID?

    package init(_ subject: Subject, peer: PeerID? = nil) {
      self.subject = subject
      self.peer = peer
    }
  }

  package struct ListQuery: Equatable, Sendable {
    package var collection: String?
    /// Words that must all begin some word of the title or of the name.
    package var words = ""
    /// Rows in one answer; the index cuts it to its own limit.
    package var limit: Int?
    package var after: String?

    package init(collection: String? = nil, words: String = "", limit: Int? = nil, after: String? = nil) {
      self.collection = collection
      self.words = words
      self.limit = limit
      self.after = after
    }
  }

  package struct PeersQuery: Equatable, Sendable {
    package var limit: Int?
    package var after: String?

    package init(limit: Int? = nil, after: String? = nil) {
      self.limit = limit
      self.after = after
    }
  }

  package var operation: IndexOperation {
    switch self {
    case .hello: .hello
    case .add: .add
    case .remove: .remove
    case .lookup: .lookup
    case .list: .list
    case .peers: .peers
    case .stats: .stats
    case .ping: .ping
    }
  }
}
