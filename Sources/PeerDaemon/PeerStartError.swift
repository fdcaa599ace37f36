// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import DocumentModel
import Glibc
import LineTransport
import NIOCore
import PeerIdentity
import ProcessSupport

/// Why a peer cannot start: what happened, to what, and what to do next.
package struct PeerStartError: Error, CustomStringConvertible {
  package let description: String
  /// Whether waiting helps: the disk has no room now, or failed.
  package let isTemporary: Bool

  package init(_ description: String, isTemporary: Bool = false) {
    self.description = description
    self.isTemporary = isTemporary
  }

  init(state directory: String, errno number: CInt) {
    self.init(
      "the state directory \(directory) cannot be used: \(String(cString: strerror(number))); "
        + "its parent has to exist, and this user has to have the right to write there",
      isTemporary: [ENOSPC, EDQUOT, EIO].contains(number))
  }

  init(_ error: IdentityError) {
    self.init("\(error)")
  }

  package init(_ error: StoreError) {
    switch error.code {
    case .noSpace, .inputOutput: self.init("the catalogue cannot be opened now: \(error)", isTemporary: true)
    case .catalogueInUse: self.init("\(error); stop it, or use another state directory")
    default: self.init("the catalogue cannot be opened: \(error)")
    }
  }

  init(uploads listener: LineServer.Listener, _ error: any Error) {
    if case .address(let host, let port) = listener {
      self.init(ListenFailure.explain(error, listen: Endpoint(host: host, port: port)))
    } else {
      self.init("the socket for other peers cannot be used: \(error)")
    }
  }

  init(control path: String, _ error: any Error) {
    guard let code = (error as? IOError)?.errnoCode else {
      self.init("the control socket cannot be used: \(error)")
      return
    }
    self.init("the control socket \(path) cannot be made: \(String(cString: strerror(code)))")
  }
}
