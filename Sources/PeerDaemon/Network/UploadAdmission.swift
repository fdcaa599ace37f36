// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineTransport
import WireProtocol

/// Whether a connection of another peer is served: the pass that it has shown, judged again before each reply.
struct UploadAdmission {
  private let passes: PassKeeper
  private var shown: CheckedPass?

  init(_ passes: PassKeeper) {
    self.passes = passes
  }

  /// The other peer shows a pass, with `hello` or later.
  /// - Parameter peer: the id that the connection proves.
  /// - Throws: what the other peer is told. A pass that was honoured before stays.
  mutating func show(_ pass: SignedPass?, of peer: PeerID?) throws(WireFailure) {
    // Checking a signature takes 100 µs; the same one is checked once.
    if let pass, pass == shown?.signed { return try check() }
    shown = try passes.admit(pass, of: peer)
  }

  /// - Throws: what the other peer is told instead of a reply.
  func check() throws(WireFailure) {
    try passes.judge(shown)
  }
}

extension UploadRole {
  /// The reply to a request, unless the other side is no longer served: it may have waited for its turn, for a slot and for
  /// what the rate allows.
  func judged<Answer>(_ result: Result<Answer, WireFailure>) -> Result<Answer, WireFailure> {
    do throws(WireFailure) {
      try admission.check()
      return result
    } catch {
      return .failure(error)
    }
  }

  /// The other side shows its next pass.
  func renew(_ pass: SignedPass, _ id: Int64) {
    do throws(WireFailure) {
      try admission.show(pass, of: connection?.provenPeer)
      connection?.send { output in
        output.beginReply(id: id)
        output.endReply()
      }
    } catch {
      connection?.send { error.write(id: id, to: &$0) }
    }
    finishAnswer()
  }
}
