// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import PeerDaemon
import WireProtocol
import Testing

@Suite struct TransferRegistryTests {
  private let registry = TransferRegistry()

  private func begin(_ peer: String) -> TransferHandle {
    registry.begin(.download, key: DocumentKey(rfc: 1), content: .empty, peer: peer, host: "127.0.0.1")
  }

  @Test func `snapshot lists running transfers oldest first`() {
    let handles = ["a", "b", "c"].map(begin)
    #expect(registry.snapshot().map(\.peer) == ["a", "b", "c"])
    handles[1].end()
    #expect(registry.snapshot().map(\.peer) == ["a", "c"])
    withExtendedLifetime(handles) {}
  }

  @Test func `progress adds up per transfer`() {
    let (one, other) = (begin("a"), begin("b"))
    one.progress(3)
    one.progress(4)
    #expect(registry.snapshot().map(\.done) == [7, 0])
    withExtendedLifetime(other) {}
  }

  @Test func `overflowing progress does not trap`() {
    let handle = begin("a")
    handle.progress(.max)
    handle.progress(1)
    #expect(registry.snapshot().count == 1)
  }

  @Test func `peer can change`() {
    let handle = begin("")
    handle.setPeer("bob", host: "192.0.2.1")
    let transfer = registry.snapshot().first
    #expect(transfer?.peer == "bob")
    #expect(transfer?.host == "192.0.2.1")
    withExtendedLifetime(handle) {}
  }

  @Test func `released handle ends its transfer`() {
    var handle: TransferHandle? = begin("a")
    #expect(registry.snapshot().count == 1)
    withExtendedLifetime(handle) {}
    handle = nil
    #expect(registry.snapshot().isEmpty)
  }

  @Test func `ended transfer ignores late progress`() {
    let handle = begin("a")
    handle.end()
    handle.progress(1)
    handle.setPeer("bob", host: "")
    #expect(registry.snapshot().isEmpty)
  }
}
