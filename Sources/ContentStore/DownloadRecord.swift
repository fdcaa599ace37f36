// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A download as the catalogue keeps it: what is wanted, where to, and what is left of it on disk.
package struct DownloadRecord: Equatable, Sendable {
  package enum State: Int64, CaseIterable, Hashable, Sendable {
    /// Waits for its turn.
    case queued = 0
    case active
    /// Cannot continue now, and is tried again.
    case waiting
    /// Stopped by the user.
    case paused
    case done
    case failed
    case cancelled

    /// Whether nothing happens any more.
    package var hasEnded: Bool { rawValue >= State.done.rawValue }

    /// Its word on the control plane.
    package var word: String { "\(self)" }
  }

  /// A peer that delivered, or that sent wrong bytes.
  package struct Source: Equatable, Sendable {
    package var peer: PeerID
    package var name: String
    package var host: String
    package var bytes: Int64
    /// Why it was dropped.
    package var error: String?

    package init(peer: PeerID, name: String, host: String, bytes: Int64, error: String? = nil) {
      self.peer = peer
      self.name = name
      self.host = host
      self.bytes = bytes
      self.error = error
    }
  }

  /// 0 until it is recorded; never used again for another download.
  package var id: Int64 = 0
  /// The download of a prefix that it belongs to.
  package var prefix: Int64?
  package var document: Document
  /// The network in which it began, and in which alone it goes on.
  package var home = Home.open
  /// The absolute path of the finished file; `streamPath` if there is none.
  package var path: String

  /// Whether it is shared while and after it is fetched.
  package var isShared = true
  /// Whether the file gets the modification time and the executable bit of the document.
  package var preserves = true
  /// Whether it replaces a file at the path.
  package var replacesFile = false
  /// Whether it runs without a client.
  package var isDetached = false
  /// Whether the user chose this content among several of the key.
  package var isContentChosen = false
  /// Permissions that the file does not get; `nil` for those of the process.
  package var mask: UInt32?
  /// The only peer to fetch from; `nil` for any.
  package var from: PeerID?

  package var state = State.queued
  package var priority = DownloadPriority.normal
  /// Why it waits or has failed.
  package var error: String?
  /// Bytes received in its life, including those that were not needed.
  package var received: Int64 = 0
  /// Who sent them.
  package var sources: [Source] = []
  package var created: Timestamp
  /// When it became done, failed or cancelled.
  package var finished: Timestamp?

  /// The hidden path of its data, recorded before the file is created.
  package var temporary: String?
  /// The name of its side file in the directory of layers, recorded before the file is created.
  package var sideFile: String?

  package init(document: Document, path: String, created: Timestamp) {
    self.document = document
    self.path = path
    self.created = created
  }

  package var content: Content { document.content }

  package static let streamPath = "-"
  /// Whether the bytes go to readers, and no file is made.
  package var isStream: Bool { path == Self.streamPath }
}
