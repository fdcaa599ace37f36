// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import POSIXSupport
package import ProcessSupport

/// Checks paths before anything is made.
package enum SocketPathRule {
  /// Unix socket paths are short (107 bytes, unix(7)): a home that lies too deep is told before anything starts.
  package static func check(_ layout: Layout, peers: [PeerName]) throws(SupervisorError) {
    for path in [layout.supervisorSocket] + peers.map({ layout.controlSocket(of: $0) })
    where path.utf8.count > UnixSocketAddress.maxPathLength {
      throw SupervisorError(
        .failed,
        "the path \(path) has \(path.utf8.count) bytes, a Unix socket takes \(UnixSocketAddress.maxPathLength): "
          + "set P2P_HOME (or --home) to a shorter directory")
    }
  }
}
