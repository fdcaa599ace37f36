// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import LineJSON
package import LineTransport
package import WireProtocol

/// How a peer connects to an index.
package enum IndexRoute: Equatable, Sendable {
  case plain
  /// - Parameter expected: the only id that the index may have; `nil` at first contact.
  case tls(expected: PeerID?)

  /// Plain only at a loopback address, where an index that listens nowhere else does without TLS; never to an index whose id
  /// is known.
  ///
  /// - Parameters:
  ///   - known: the id of the index at the address.
  ///   - demandsTLS: whether an index at the address has asked for TLS.
  package init(to address: Endpoint, known: PeerID?, demandsTLS: Bool) {
    self = known == nil && !demandsTLS && address.isLoopback ? .plain : .tls(expected: known)
  }
}

/// What a peer needs for TLS to its index.
package struct IndexTrust: Sendable {
  package let identity: TransportIdentity
  /// The id that an index has to prove at an address; `nil` if none is known.
  package let known: @Sendable (Endpoint) -> PeerID?
  /// Called at first contact; must not block.
  package let remember: @Sendable (PeerID, Endpoint) -> Void

  package init(
    identity: TransportIdentity, known: @escaping @Sendable (Endpoint) -> PeerID?,
    remember: @escaping @Sendable (PeerID, Endpoint) -> Void
  ) {
    self.identity = identity
    self.known = known
    self.remember = remember
  }
}

/// Why there is no connection by TLS, for people and programs.
package struct IndexTLSProblem: Equatable, Sendable {
  /// What happened.
  package let message: String
  /// What every request gets, until a person has acted; `nil` if waiting may help.
  package var refusal: WireFailure?
  /// In seconds, if the index asked for it.
  package var retryAfter: Int?
  /// The id that was found in the place of the known one.
  package var found: PeerID?
  /// The limit for which the index takes no connection.
  package var limit: WireFailure.Limit?

  package init(_ failure: TLSFailure, at address: Endpoint) {
    switch failure {
    case .otherPeer(let expected, let found):
      message =
        "the index at \(address) has another id: expected \(expected), found \(found). If it has a new key, its operator can tell: "
        + "then use a new ticket, or type p2pctl connect \(address) --id \(found). Else somebody may stand in its place"
      refusal = WireFailure(.forbidden, message)
      self.found = found
    case .plainReply(let line):
      // From anybody: believed no more than a closed door.
      let reply = Self.failure(in: line)
      retryAfter = reply?.retryAfter.map { min($0, Self.longestPause) }
      limit = reply?.code == .tooMany ? reply?.limit : nil
      switch reply?.code {
      case .unavailable?, .tooMany?:
        let words = Self.shortened(reply?.message ?? "")
        message = "the server at \(address) says, without proving that it is the index: \"\(words)\""
      default: message = "the server at \(address) answers without TLS: is it an index of an earlier version?"
      }
    case .notTLS: message = "the server at \(address) does not speak TLS: is it an index?"
    case .timedOut: message = "no answer in time"
    case .handshake: message = "\(failure)"
    }
  }

  /// In seconds: the index may be back long before the time that somebody in its place has named.
  private static let longestPause = 10

  /// Without quote marks, which would end the quotation.
  private static func shortened(_ text: String) -> String {
    let most = 200
    let scalars = text.unicodeScalars.prefix(most + 1).map { $0 == "\"" ? "'" : $0 }
    let shown = String(String.UnicodeScalarView(scalars.prefix(most)))
    return scalars.count > most ? "\(shown)..." : shown
  }

  private static func failure(in line: String) -> WireFailure? {
    let failure = try? LineScratch.current.reader.read(Array(line.utf8)) { try WireFailure(reply: $0) }
    return failure ?? nil
  }
}
