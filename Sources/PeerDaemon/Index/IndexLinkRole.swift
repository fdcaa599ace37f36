// SPDX-License-Identifier: Apache-2.0

import LineJSON
import LineTransport
import NIOCore

/// The lines of the connection to the index, handed to the link that owns it. Both live on the same event loop.
final class IndexLinkRole: LineRole {
  private let link: IndexLink
  /// Tells an old connection, which may end late, from the one that has taken its place.
  private let generation: Int

  init(link: IndexLink, generation: Int) {
    self.link = link
    self.generation = generation
  }

  func opened(_ connection: any LineConnection) {
    let bound = NIOLoopBound(connection, eventLoop: connection.eventLoop)
    link.assumeIsolated { [generation] in $0.opened(bound, generation: generation) }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    // Used during this call only, and the link runs on this very event loop.
    nonisolated(unsafe) let line = line
    return link.assumeIsolated { [generation] in $0.received(line, generation: generation) } ? .next : .close
  }

  func closed() {
    link.assumeIsolated { [generation] in $0.closed(generation: generation) }
  }
}
