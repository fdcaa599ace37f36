// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import DocumentModel
import Glibc
import LineTransport
import NIOCore
import POSIXSupport
import ProcessSupport

/// Why a peer cannot start, and what to do about it.
package struct PeerStartError: Error, CustomStringConvertible {
  package let description: String
  /// Whether a later start may succeed: the disk is full, or failed.
  package let isTemporary: Bool

  package init(_ description: String, isTemporary: Bool = false) {
    self.description = description
    self.isTemporary = isTemporary
  }

  init(state directory: String, errno number: CInt) {
    self.init(
      "cannot create the state directory \(directory): \(SystemError(number)); "
        + "its parent must exist and be writable for this user",
      isTemporary: [ENOSPC, EDQUOT, EIO].contains(number))
  }

  package init(_ error: StoreError) {
    switch error.code {
    case .noSpace, .inputOutput, .exhausted: self.init("cannot open the catalogue now: \(error)", isTemporary: true)
    case .catalogueInUse: self.init("\(error); stop it or use another state directory")
    default: self.init("cannot open the catalogue: \(error)")
    }
  }

  init(uploads listener: LineServer.Listener, _ error: any Error) {
    if case .address(let host, let port) = listener {
      self.init(ListenFailure.explain(error, listen: Endpoint(host: host, port: port)))
    } else {
      self.init("cannot use the socket for other peers: \(error)")
    }
  }

  init(control path: String, _ error: any Error) {
    guard let code = (error as? IOError)?.errnoCode else {
      self.init("cannot use the control socket: \(error)")
      return
    }
    self.init("cannot create the control socket \(path): \(SystemError(code))")
  }
}
