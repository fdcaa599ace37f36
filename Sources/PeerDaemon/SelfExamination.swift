// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import DocumentModel
import Glibc
import LineJSON
package import LineTransport
package import NIOCore
import NIOPosix
import POSIXSupport
package import WireProtocol

/// Tests this peer: asks the index, connects to its own upload port as others would, and looks at catalogue and files.
struct SelfExamination: Sendable {
  struct Report: Sendable {
    let index: Result<IndexAnswer, WireFailure>
    /// The id of an index that has another one than the known one, and is refused for it.
    let otherIndex: PeerID?
    /// Documents that the index does not permit.
    let refusedDocuments: Int
    /// The address at which the index reports this peer, and why this peer does not answer there; `nil` without a
    /// connection to the index.
    let uploads: (address: Endpoint, problem: String?)?
    let catalogue: CatalogueCondition
    let files: FileExamination.Report
    let portTaken: UInt16?
  }

  /// Whether the catalogue is the one of earlier runs, and still at its place.
  struct CatalogueCondition: Sendable {
    /// Why it can no longer be written; `nil` if it can.
    let problem: String?
    /// Damaged ones that are kept beside it.
    let putAside: [String]
    let cameBackEmpty: Bool
  }

  struct IndexAnswer: Sendable {
    /// Program and version.
    let server: String
    /// The duration of the exchange.
    let seconds: Double
    /// Seconds by which the clock of the index is ahead, accurate to one; `nil` if the index does not report its time.
    let skew: Int64?
  }

  /// A user is waiting.
  static let timeout = TimeAmount.seconds(2)

  let identity: (id: PeerID, name: PeerName)
  let transport: TransportIdentity
  /// Where this peer listens for others.
  let uploadPort: UInt16
  /// The upload port of earlier runs, if another program had it at this start.
  let portTaken: UInt16?
  let link: IndexLink
  let catalogue: Catalogue
  let cameBackEmpty: Bool
  let files: FileExamination
  /// Seconds since 1970.
  let wallClock: @Sendable () -> Int64

  func examine() async -> Report {
    async let checked = files.examine(on: link.loop, within: Self.timeout)
    let (index, uploads) = await examineNetwork()
    let (other, refused) = await (link.refusal == nil ? nil : link.otherIndex, link.refused.count)
    return Report(
      index: index, otherIndex: other, refusedDocuments: refused, uploads: uploads,
      catalogue: CatalogueCondition(
        problem: catalogue.placeProblem?.description, putAside: catalogue.putAside, cameBackEmpty: cameBackEmpty),
      files: await checked, portTaken: portTaken)
  }

  private func examineNetwork() async -> (Result<IndexAnswer, WireFailure>, (address: Endpoint, problem: String?)?) {
    let status = await link.status
    guard let greeting = status.greeting else {
      let (refusal, turnedAway) = await (link.refusal, link.turnedAway)
      return (.failure(refusal ?? turnedAway ?? WireFailure(.unavailable, status.error ?? "not connected yet")), nil)
    }
    async let index = askIndex(greeting)
    let address = Endpoint(host: greeting.host, port: uploadPort)
    let problem = await PeerProbe.problem(
      at: address, as: identity, expecting: identity.id, by: status.isProven ? transport : nil, on: link.loop,
      showing: link.passes.pass, timeout: Self.timeout)
    return (await index, (address, problem))
  }

  private func askIndex(_ greeting: IndexHelloReply) async -> Result<IndexAnswer, WireFailure> {
    let start = NIODeadline.now()
    let before = wallClock()
    do throws(WireFailure) {
      let time = try await link.exchange(.stats, within: Self.timeout) { reply throws(WireFailure) in
        try reply["time"] == nil ? nil : reply.timestamp("time")
      }
      let seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
      // Whole seconds on both sides; assumes that both directions take equally long.
      let skew = time.map { $0.seconds - before - (wallClock() - before) / 2 }
      return .success(IndexAnswer(server: greeting.server, seconds: seconds, skew: skew))
    } catch {
      return .failure(error)
    }
  }
}

/// Checks whether a certain peer answers at an address: connects, says `hello`, reads the reply, closes.
package enum PeerProbe {
  /// - Parameters:
  ///   - identity: what `hello` says.
  ///   - expected: who should answer.
  ///   - transport: our key, to connect by TLS as others do; `nil` for a plain connection.
  ///   - pass: what is shown in a closed network.
  ///   - timeout: for all of it. The connection is closed at its end.
  /// - Returns: what is wrong; `nil` if the expected peer answers.
  package static func problem(
    at address: Endpoint, as identity: (id: PeerID, name: PeerName), expecting expected: PeerID,
    by transport: TransportIdentity? = nil, on loop: any EventLoop, showing pass: SignedPass? = nil,
    timeout: TimeAmount
  ) async -> String? {
    await withCheckedContinuation { continuation in
      let once = OnceContinuation(continuation)
      let connected = LineClient.connect(
        host: address.host, port: address.port, on: loop, limits: LineLimits(line: PeerLimits().line), timeout: timeout,
        tls: transport.map { ClientTLS($0, expected: expected) }
      ) { _ in ProbeRole(as: identity, expecting: expected, showing: pass) { once.resume($0) } }
      let timer = loop.scheduleTask(in: timeout) {
        once.resume("no answer in time")
        connected.whenSuccess { $0.close(promise: nil) }
      }
      connected.whenComplete { result in
        switch result {
        case .success(let channel): channel.closeFuture.whenComplete { _ in timer.cancel() }
        case .failure(let error):
          timer.cancel()
          once.resume(ConnectFailure.explain(error))
        }
      }
    }
  }
}

private final class ProbeRole: LineRole {
  private let identity: (id: PeerID, name: PeerName)
  private let expected: PeerID
  private let pass: SignedPass?
  private let finish: (String?) -> Void

  /// - Parameter finish: receives the problem, or `nil`; called at least once.
  init(
    as identity: (id: PeerID, name: PeerName), expecting expected: PeerID, showing pass: SignedPass?,
    finish: @escaping (String?) -> Void
  ) {
    self.pass = pass
    self.identity = identity
    self.expected = expected
    self.finish = finish
  }

  func opened(_ connection: any LineConnection) {
    let pass = pass
    connection.send { PeerRequest.hello(peer: identity.id, name: identity.name, pass: pass).write(id: 1, to: &$0) }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    do {
      finish(try LineScratch.current.reader.read(line) { try problem(with: $0) })
    } catch {
      finish("malformed reply")
    }
    return .close
  }

  func receivedTooLong(output: inout JSONWriter) {
    finish("the reply is longer than \(PeerLimits().line) bytes")
  }

  private func problem(with reply: JSONObject) throws(WireFailure) -> String? {
    if let failure = try WireFailure(reply: reply) { return failure.message }
    let peer = try PeerHelloReply(reply).peer
    return peer == expected ? nil : "another peer answers there: \(peer)"
  }

  func closed() {
    finish("the connection was closed")
  }
}

/// Describes connection errors for users.
enum ConnectFailure {
  static func explain(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
      // One error per address of the host.
      if let last = error.connectionErrors.last { return explain(last.error) }
      guard let failure = error.dnsAError ?? error.dnsAAAAError else { return "no address found for \(error.host)" }
      return "\(failure)"
    case let error as IOError: return SystemError(error.errnoCode).description
    case ChannelError.connectTimeout: return "no answer in time"
    default: return "\(error)"
    }
  }
}
