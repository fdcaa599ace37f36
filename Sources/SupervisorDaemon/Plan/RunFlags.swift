// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What the command line of `p2p-supervisor run` says.
package struct RunFlags: Sendable, Equatable {
  /// `--peer NAME[=HOST:PORT]`.
  package struct Peer: Sendable, Equatable {
    package let name: PeerName
    /// Where it takes downloads from others; `nil` leaves the choice to the rules.
    package let listen: Endpoint?

    package init(name: PeerName, listen: Endpoint? = nil) {
      self.name = name
      self.listen = listen
    }

    package init(_ text: String) throws(InvalidValue) {
      guard let sign = text.firstIndex(of: "=") else {
        self.init(name: try PeerName(text))
        return
      }
      let name = try PeerName(String(text[..<sign]))
      self.init(name: name, listen: try Endpoint(String(text[text.index(after: sign)...])))
    }
  }

  /// `--serve-index`: serve an index here.
  package var serveIndex: Endpoint?
  /// `--index`: use this index.
  package var index: Endpoint?
  package var peers: [Peer]

  package init(serveIndex: Endpoint? = nil, index: Endpoint? = nil, peers: [Peer] = []) {
    self.serveIndex = serveIndex
    self.index = index
    self.peers = peers
  }

  /// Whether they name what to start, so that the configuration does not.
  package var nameProcesses: Bool { serveIndex != nil || index != nil || !peers.isEmpty }
}
