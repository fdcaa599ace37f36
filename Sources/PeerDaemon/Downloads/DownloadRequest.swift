// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import NIOCore
package import WireProtocol

/// A document to download, and where to.
package struct DownloadRequest: Sendable {
  /// Paths are absolute.
  package enum Destination: Equatable, Sendable {
    /// This file; if it is a directory, a file in it with the suggested name. One that ends in a slash is a directory and is
    /// made if it is missing.
    case path(String)
    /// A file in this directory with the suggested name.
    case directory(String)
    /// No file: the bytes go to the client.
    case stream
  }

  package var key: DocumentKey
  package var destination: Destination
  /// The network in which it was asked for; `nil` for the one of now.
  package var home: Home?
  /// The name of a holder or the first digits of its id.
  package var from: String?
  /// The first digits of the root of the content; `:SIZE` may follow.
  package var content: String?
  /// Whether to take the content with the latest date if the key has several.
  package var takesNewest: Bool
  /// Whether to replace a different file at the destination.
  package var replacesFile: Bool
  /// Whether to share the document afterwards.
  package var isShared: Bool
  /// Whether the file gets the modification time and the executable bit of the document.
  package var preserves = true
  /// Whether the download goes on when nobody waits for it.
  package var isDetached = false
  /// Whether to wait for sources, too, even for a key that nobody has yet.
  package var isPatient = false
  /// The download that this request waited for before its connection was lost.
  package var rejoins: GetDocument.Rejoining?
  /// Of a stream: the number of bytes at the start that the client has.
  package var offset: Int64 = 0
  /// `nil` for the usual one, or to leave that of a download that is known.
  package var priority: DownloadPriority?
  /// The permissions that the user's new files do not get: umask(2); `nil` for those of this process.
  package var mask: UInt32?

  package init(
    key: DocumentKey, destination: Destination, from: String? = nil, content: String? = nil,
    takesNewest: Bool = false, replacesFile: Bool = false, isShared: Bool = true
  ) {
    self.key = key
    self.destination = destination
    self.from = from
    self.content = content
    self.takesNewest = takesNewest
    self.replacesFile = replacesFile
    self.isShared = isShared && destination != .stream
  }
}

/// A finished download: the file is whole, verified and durable.
package struct Download: Sendable {
  package struct Source: Sendable {
    package let peer: PeerID
    package let name: String
    /// Bytes that it sent.
    package let bytes: Int64
    /// Why it was dropped, if it sent wrong bytes.
    package let error: String?
  }

  package let content: Content
  /// Absolute; `-` of a stream.
  package let path: String
  /// By size of their contribution, largest first; empty if the file existed already.
  package let sources: [Source]
  package let seconds: Double
  /// Bytes that came over the network, wasted ones included.
  package let received: Int64
  /// The number of the download; `nil` if there was nothing to fetch.
  package let job: Int64?
  /// False if the file lay there before and is shared in other networks only: this one does not hear of it.
  package var isShared = true

  init(content: Content, path: String, moved: TransferRegistry.Totals, since started: NIODeadline, job: Int64?) {
    self.content = content
    self.path = path
    received = max(moved.received, 0)
    sources = moved.sources.sorted { $0.value > $1.value }.map { source, bytes in
      Source(peer: source.peer, name: source.name, bytes: bytes, error: moved.faults[source])
    }
    seconds = Double((NIODeadline.now() - started).nanoseconds) / 1e9
    self.job = job
  }
}
