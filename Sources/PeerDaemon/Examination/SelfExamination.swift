// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import NIOCore
import WireProtocol

/// What a peer can find out about itself from outside: asks its index, and connects to itself as others would.
struct SelfExamination: Sendable {
  /// Somebody waits in front of a screen.
  static let timeout = TimeAmount.seconds(2)

  let identity: (id: PeerID, name: PeerName)
  /// Where it listens for other peers.
  let uploadPort: UInt16
  let link: IndexLink
  /// Seconds since 1970.
  let wallClock: @Sendable () -> Int64

  func examine() async -> ControlDoctorReply {
    let status = await link.status
    guard let greeting = status.greeting else {
      return ControlDoctorReply(index: .init(error: status.error ?? "there is no connection yet"), uploads: nil)
    }
    async let index = askIndex(greeting)
    async let uploads = connectToSelf(at: Endpoint(host: greeting.host, port: uploadPort))
    return ControlDoctorReply(index: await index, uploads: await uploads)
  }

  private func askIndex(_ greeting: IndexHelloReply) async -> ControlDoctorReply.Index {
    let start = NIODeadline.now()
    let before = wallClock()
    do throws(WireFailure) {
      let time = try await link.exchange(.stats, within: Self.timeout) { reply throws(WireFailure) in
        try reply["time"] == nil ? nil : reply.timestamp("time")
      }
      let duration = Double((NIODeadline.now() - start).nanoseconds) / 1e9
      // Both clocks tell whole seconds; what the answer took is shared evenly between the two ways.
      let skew = time.map { $0.seconds - before - (wallClock() - before) / 2 }
      return .init(server: greeting.server, seconds: duration, skew: skew)
    } catch {
      return .init(error: error.message)
    }
  }

  private func connectToSelf(at address: Endpoint) async -> ControlDoctorReply.Uploads {
    let problem = await PeerProbe.problem(
      at: address, as: identity, expecting: identity.id, on: link.loop, timeout: Self.timeout)
    return .init(address: address, reachable: problem == nil, error: problem)
  }
}
