// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import DocumentModel

/// A document to download, and where to.
package struct DownloadRequest: Sendable {
  /// Paths are absolute.
  package enum Destination: Sendable {
    /// This file; if it is a directory, a file in it with the suggested name. One that ends in a slash is a directory and is
    /// made if it is missing.
    case path(String)
    /// A file in this directory with the suggested name.
    case directory(String)
    /// No file: receives the verified bytes in order, at most 256 KiB at a time.
    case stream(@Sendable ([UInt8]) async throws -> Void)
  }

  package var key: DocumentKey
  package var destination: Destination
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
    self.isShared = isShared
  }
}

extension DownloadRequest {
  func attributes(of document: Document) -> FileAttributes {
    FileAttributes(
      mask: mask, isExecutable: preserves && document.executable, modified: preserves ? document.modified.seconds : nil)
  }
}

/// A finished download: the file is whole, verified and durable.
package struct Download: Sendable {
  package struct Source: Sendable {
    package let holder: Holder
    /// Verified bytes that it sent.
    package let bytes: Int64
  }

  package let content: Content
  /// Absolute.
  package let path: String
  /// By size of their contribution, largest first; empty if the file existed already.
  package let sources: [Source]
  package let seconds: Double

  /// Bytes that came over the network.
  package var received: Int64 { sources.reduce(0) { $0 + $1.bytes } }
}
