// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A failure as the wire carries it.
package struct WireFailure: Error, Equatable, Sendable {
  /// The limit that was reached, by its name in the `limits` of `hello`.
  package struct Limit: Equatable, Sendable {
    package let name: String
    package let value: Int

    package init(_ name: String, _ value: Int) {
      self.name = name
      self.value = value
    }
  }

  package let code: ErrorCode
  /// A sentence for a person: what happened, to what.
  package let message: String
  package var limit: Limit?
  /// In seconds, if waiting helps.
  package var retryAfter: Int?
  /// With `unavailable`, from the supervisor: the state of the process, if only a person starts it again.
  package var state: String?
  /// Of a `get`, on the control plane: the number of the download that goes on or has failed.
  package var job: Int64?
  /// With `no-input`, on the control plane: each path that cannot be shared.
  package var paths: [PathProblem]
  /// With `several-contents`, on the control plane: the contents under the key.
  package var choices: [ContentListing]
  /// With `ambiguous-peer`, on the control plane: the holders that the name or the prefix fits.
  package var peers: [NamedPeer]

  package init(
    _ code: ErrorCode, _ message: String, limit: Limit? = nil, retryAfter: Int? = nil, state: String? = nil,
    job: Int64? = nil, paths: [PathProblem] = [], choices: [ContentListing] = [], peers: [NamedPeer] = []
  ) {
    self.code = code
    self.message = message
    self.limit = limit
    self.retryAfter = retryAfter
    self.state = state
    self.job = job
    self.paths = paths
    self.choices = choices
    self.peers = peers
  }

  /// With the limit, where its fields do not go along.
  package var messageWithLimit: String { message + (limit.map { " (limit \($0.name) = \($0.value))" } ?? "") }

  package static func badRequest(_ message: String) -> WireFailure {
    WireFailure(.badRequest, message)
  }

  /// The reply to a request before `hello`.
  package static let helloRequired = WireFailure(.helloRequired, "the first request must be hello")

  /// What happens before a successful `hello`, on every plane: any other request is `hello-required`, known or not, and a
  /// failure ends the connection, because the other side may speak another protocol. A browser, for example, can be made to
  /// POST requests in the body of its own. Only after a `hello` with another protocol number the client may try again.
  package var beforeHello: (reply: WireFailure, endsConnection: Bool) {
    let reply = code == .unknownOperation ? .helloRequired : self
    return (reply, reply.code != .unsupportedProtocol)
  }

  /// The last line on a connection that sent no `hello` in time.
  /// - Parameter seconds: the limit `hello`.
  package static func noHello(within seconds: Int) -> WireFailure {
    WireFailure(.helloRequired, "no hello within \(seconds) s", limit: Limit("hello", seconds))
  }

  /// The only line on a connection without TLS from where the server takes none.
  package static let tlsRequired = WireFailure(
    .tlsRequired, "plain connections are not accepted: connect by TLS 1.3, or install a version that can")

  /// The reply to a `hello` by TLS with another id than that of the certificate.
  package static func otherID(proven: PeerID) -> WireFailure {
    WireFailure(.forbidden, "hello must have the id that the TLS certificate proves: \(proven)")
  }

  /// The reply to a line that is not JSON.
  package static func unreadableLine(_ error: any Error) -> WireFailure {
    badRequest("not a line of JSON: \(error)")
  }

  static let unpairedEmptyContent = badRequest("a content of 64 zeros has size 0, and no other content has")
}

extension WireFailure: CustomStringConvertible {
  package var description: String { "\(code.rawValue): \(message)" }
}

/// A path, and why it cannot be shared.
package struct PathProblem: WireMessage {
  package var path: String
  package var message: String

  package init(path: String, message: String) {
    self.path = path
    self.message = message
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    path = try fields.string("path")
    message = try fields.string("message")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("path", path)
    fields.member("message", message)
  }
}

/// A peer by id and name.
package struct NamedPeer: WireMessage {
  package var peer: PeerID
  package var name: PeerName

  package init(peer: PeerID, name: PeerName) {
    self.peer = peer
    self.name = name
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    peer = try fields.peerID("peer")
    name = try fields.peerName()
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("peer", peer)
    fields.member("name", name.text)
  }
}

// MARK: Lines

extension WireFailure.Limit {
  /// Reads the members of the message that it is part of; `nil` if they are missing.
  init?(_ fields: some FieldReader) throws(WireFailure) {
    guard let name = try fields.optionalString("limit"), let value = try fields.optionalCount("value") else {
      return nil
    }
    self.init(name, value)
  }

  func write(to fields: inout some FieldWriter) {
    fields.member("limit", name)
    fields.member("value", value)
  }
}

extension WireFailure {
  /// Reads a reply; `nil` if its status is a success (2xx). An unknown code of a later version becomes `internal`.
  package init?(reply: some FieldReader) throws(WireFailure) {
    let status = try reply.integer("status", in: 100...599)
    guard status >= 300 else { return nil }
    let name = try reply.optionalString("error") ?? ""
    self.init(
      ErrorCode(rawValue: name) ?? .internal,
      try reply.optionalString("message") ?? "request refused with status \(status)",
      retryAfter: try reply.optionalInteger("retry_after", in: 0...86_400), state: try reply.optionalString("state"),
      job: try reply.optionalInteger("job", in: 0...Content.maximumSize),
      paths: try reply.optionalElements("paths"),
      choices: try reply.optionalElements("choices"), peers: try reply.optionalElements("peers"))
    limit = try Limit(reply)
  }
}

extension WireFailure: WireLine {
  /// - Parameter id: of the request that it answers; `nil` if that had none.
  package func write(lineOf id: Int64?, to fields: inout some FieldWriter) {
    if let id { fields.member("id", id) } else { fields.null("id") }
    fields.member("status", code.status)
    fields.member("error", code.rawValue)
    fields.member("message", message)
    limit?.write(to: &fields)
    if let retryAfter { fields.member("retry_after", retryAfter) }
    if let state { fields.member("state", state) }
    if let job { fields.member("job", job) }
    if !paths.isEmpty { fields.array("paths", paths) }
    if !choices.isEmpty { fields.array("choices", choices) }
    if !peers.isEmpty { fields.array("peers", peers) }
  }
}
