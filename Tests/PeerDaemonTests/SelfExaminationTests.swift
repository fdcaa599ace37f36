// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NIOCore
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// What a peer finds out about itself for `doctor` and `status`.
@Suite struct SelfExaminationTests {
  @Test func looksAtItselfFromOutside() async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withIndex(ahead: 3_600) { _ in
        try await fixture.withPeer { alice in
          let found = try await alice.reply(.doctor, as: ControlDoctorReply.self)
          #expect(found.index.server?.hasPrefix("p2p-index/") == true)
          #expect(found.index.error == nil)
          #expect((3_590...3_610).contains(found.index.skew ?? 0))
          #expect((found.index.seconds ?? -1) >= 0)
          let expected = Endpoint(host: "127.0.0.1", port: alice.daemon.uploads.port)
          #expect(found.uploads == .init(address: expected, reachable: true))
          #expect(try await alice.status().index.error == nil)
        }
      }
    }
  }

  @Test func tellsWhyThereIsNoIndex() async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withPeer(acknowledgement: .milliseconds(50)) { alice in
        let status = try await alice.status()
        #expect(status.index.connected == false)
        #expect(status.index.error == "Connection refused")
        let found = try await alice.reply(.doctor, as: ControlDoctorReply.self)
        #expect(found == ControlDoctorReply(index: .init(error: "Connection refused"), uploads: nil))
      }
    }
  }
}
