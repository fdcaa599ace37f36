// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A download of all documents below a prefix as the catalogue keeps it. Which of them are missing is found out by a
/// comparison with the files; large ones that are half done have a `DownloadRecord` that names this one.
package struct PrefixRecord: Equatable, Sendable {
  /// Shared with the downloads of single documents; never used again for another download.
  package var id: Int64
  /// Ends in a slash.
  package var prefix: String
  /// The absolute path of the directory.
  package var path: String
  /// The network in which it began, and in which alone it goes on.
  package var home = Home.open

  package var isShared = true
  package var preserves = true
  package var replacesFiles = false
  package var isDetached = false
  /// Whether the latest date decides between several contents of a key.
  package var takesNewest = false
  package var includesHidden = false
  /// Permissions that files and directories do not get; `nil` for those of the process.
  package var mask: UInt32?
  /// The only peer to fetch from; `nil` for any.
  package var from: PeerID?

  package var state = DownloadRecord.State.queued
  /// Why it waits or has failed.
  package var error: String?
  /// Bytes received in its life, including those that were not needed.
  package var received: Int64 = 0
  package var created: Timestamp
  /// When it became done, failed or cancelled.
  package var finished: Timestamp?
  /// Documents below the prefix, as far as they are known.
  package var documents: Int64 = 0
  /// Those that are there.
  package var have: Int64 = 0

  package init(id: Int64, prefix: String, path: String, created: Timestamp) {
    self.id = id
    self.prefix = prefix
    self.path = path
    self.created = created
  }
}
