// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel

/// An open file that is served: that of a share, or of an unfinished download.
enum ServedFile: Sendable {
  case share(SharedFile)
  case partial(PartialHolding)

  var key: DocumentKey {
    switch self {
    case .share(let file): file.key
    case .partial(let holding): holding.key
    }
  }

  var content: Content {
    switch self {
    case .share(let file): file.content
    case .partial(let holding): holding.content
    }
  }

  /// Whether it may be served in a network.
  func belongs(to network: Home) -> Bool {
    switch self {
    case .share(let file): file.audience.contains(network)
    case .partial(let holding): holding.home == network
    }
  }

  var file: OpenFile {
    switch self {
    case .share(let file): file.file
    case .partial(let holding): holding.partial.file
    }
  }

  /// Call it before each part is sent. Nobody else changes the file of a download. Blocks.
  /// - Throws: `.changed` if the file of a share was written since it was opened.
  func checkUnchanged() throws(StoreError) {
    if case .share(let file) = self { try file.checkUnchanged() }
  }
}
