// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import NetworkMembership
import PeerIdentity
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// An index of a closed network with a key of its own, which treats everybody as a publisher and answers as a test says.
final class HostileIndex: Sendable {
  let identity: PeerIdentity
  private let server: SecureServer
  private let script: Script

  /// What it says instead of what an index would.
  struct Lies {
    /// The key in its replies; its own unless set.
    var key: [UInt8]?
    /// Seconds by which its clock differs from that of the machine.
    var clock: Int64 = 0
    /// Answers by operation.
    var answers: [String: SecureServer.Answer] = [:]
  }

  private final class Script: Sendable {
    let lies = Mutex(Lies())
    let issuer: PassIssuer

    init(_ issuer: PassIssuer) { self.issuer = issuer }

    var now: Timestamp { Timestamp(seconds: Int64(time(nil)) + lies.withLock { $0.clock }) }

    private func standing(_ client: PeerID, isPing: Bool) -> String {
      let now = now
      let key = isPing ? "" : #","key":"\#(Base64URL.encode(lies.withLock { $0.key } ?? issuer.publicKey))""#
      let pass = issuer.pass(for: client, as: .publisher, at: now)?.text ?? ""
      return #""role":"publisher","time":"\#(now.text)","pass":"\#(pass)"\#(key)"#
    }

    func answer(_ request: JSONValue, _ client: PeerID) -> [UInt8]? {
      guard let id = request["id"]?.integer, let operation = request["op"]?.string else { return nil }
      if let answer = lies.withLock({ $0.answers[operation] }) { return answer(request, client) }
      let members =
        switch operation {
        case "hello":
          #""server":"x","host":"127.0.0.1","limits":{"idle":3},\#(standing(client, isPing: false))"#
        case "join": standing(client, isPing: false)
        case "ping": standing(client, isPing: true)
        case "add": #""added":\#(request["documents"]?.array?.count ?? 0)"#
        case "remove": #""removed":0"#
        case "list": #""documents":[]"#
        case "watch": #""watch":1"#
        default: #""ok":true"#
        }
      return HostileIndex.reply(id, members)
    }
  }

  private init(_ identity: PeerIdentity, _ server: SecureServer, _ script: Script) {
    (self.identity, self.server, self.script) = (identity, server, script)
  }

  /// Runs an index with an empty home of a user, bob.
  static func with(_ body: (HostileIndex, Installation) async throws -> Void) async throws {
    try await Installation.empty { bob in
      let identity = try PeerIdentity.loadOrCreate(at: bob.directory.file("index.pem"))
      let script = Script(PassIssuer(identity))
      try await SecureServer.with(identity, answer: { script.answer($0, $1) }) { server in
        try await body(HostileIndex(identity, server, script), bob)
      }
    }
  }

  var endpoint: Endpoint { server.endpoint }
  var now: Timestamp { script.now }

  func requests(_ operation: String) -> [JSONValue] { server.requests(operation) }

  func lie(_ change: (inout Lies) -> Void) { script.lies.withLock { change(&$0) } }

  /// Answers an operation with these members.
  func say(_ operation: String, _ members: String) {
    lie { $0.answers[operation] = { request, _ in Self.reply(request["id"]?.integer ?? 0, members) } }
  }

  static func reply(_ id: Int64, _ members: String) -> [UInt8] {
    Array(#"{"id":\#(id),"status":200,\#(members)}"#.utf8) + [0x0A]
  }

  /// The members of the reply to a look-up.
  static func contents(_ held: ProvenBytes, _ holders: String...) -> String {
    let row = #"\#(held.named),"title":"","modified":"2026-01-01T00:00:00Z","total":\#(holders.count)"#
    return #""key":"file/x","contents":[{\#(row),"holders":[\#(holders.joined(separator: ","))]}],"more":0"#
  }

  static func holder(_ peer: PeerIdentity, host: String = "127.0.0.1", port: UInt16, proven: Bool = true) -> String {
    #"{"peer":"\#(peer.id.hex)","name":"mallory","host":"\#(host)","port":\#(port),"complete":true,"proven":\#(proven)}"#
  }

  var ticket: Ticket {
    var generator = SystemRandomNumberGenerator()
    return Ticket(
      addresses: [endpoint], index: identity.id, secret: TicketSecret(using: &generator), role: .publisher,
      expires: Timestamp(seconds: 4_000_000_000))
  }

  func pass(for peer: PeerIdentity) throws -> String {
    try #require(script.issuer.pass(for: peer.id, as: .reader, at: now)).text
  }
}
