// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A document to download, and where to.
package struct DownloadRequest: Sendable {
  /// An absolute path.
  package enum Destination: Equatable, Sendable {
    /// This file; if it is a directory, a file in it with the suggested name.
    case path(String)
    /// A file in this directory with the suggested name.
    case directory(String)
  }

  package var key: DocumentKey
  package var destination: Destination
  /// The name of a holder or the first digits of its id.
  package var from: String?
  /// The first digits of the root of the content; `:SIZE` may follow.
  package var content: String?
  /// Whether to replace a different file at the destination.
  package var replacesFile: Bool
  /// Whether to share the document afterwards.
  package var isShared: Bool

  package init(
    key: DocumentKey, destination: Destination, from: String? = nil, content: String? = nil,
    replacesFile: Bool = false, isShared: Bool = true
  ) {
    self.key = key
    self.destination = destination
    self.from = from
    self.content = content
    self.replacesFile = replacesFile
    self.isShared = isShared
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
