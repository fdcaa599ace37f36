// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOPosix
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

@Suite struct MovedTotalsTests {
  private func with(
    _ body: (Catalogue, (TransferRegistry, Int64) async -> MovedTotals) async throws -> Void
  ) async throws {
    let directory = try TemporaryDirectory()
    let catalogue = try Catalogue(directory: directory.file("state"))
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    try await body(catalogue) { transfers, now in
      await MovedTotals.open(transfers, catalogue: catalogue, pool: pool, now: Timestamp(seconds: now))
    }
    try await pool.shutdownGracefully()
    catalogue.close()
  }

  private func move(_ transfers: TransferRegistry, up: Int64, down: Int64) throws {
    let content = try #require(Content(root: Swarm.id("x").digest, size: 1 << 40))
    transfers.upload(content, to: .init(peer: Swarm.id("bob"), name: "bob", host: "")).progress(up)
    transfers.download(DocumentKey(rfc: 1), content, to: "/x").progress(down)
  }

  @Test func `totals go on in the next process`() async throws {
    try await with { _, open in
      let first = TransferRegistry()
      let totals = await open(first, 100)
      #expect(totals.current == MovedBytes(uploaded: 0, downloaded: 0, since: Timestamp(seconds: 100)))
      await totals.write()
      try move(first, up: 5, down: 7)
      #expect(totals.current == MovedBytes(uploaded: 5, downloaded: 7, since: Timestamp(seconds: 100)))
      await totals.write()
      // Lost: the process is killed before it is written.
      try move(first, up: 1, down: 1)
      let second = TransferRegistry()
      let later = await open(second, 200)
      try move(second, up: 10, down: 20)
      #expect(later.current == MovedBytes(uploaded: 15, downloaded: 27, since: Timestamp(seconds: 100)))
    }
  }

  @Test func `totals are written while the daemon runs`() async throws {
    try await with { catalogue, open in
      let transfers = TransferRegistry()
      let totals = await open(transfers, 100)
      let task = Task { await totals.run(every: .milliseconds(5)) }
      #expect(await eventually { (try? catalogue.setting("moved")) == "0 0 100" })
      try move(transfers, up: 5, down: 7)
      #expect(await eventually { (try? catalogue.setting("moved")) == "5 7 100" })
      task.cancel()
      await task.value
    }
  }

  @Test(arguments: ["", "5", "5 7", "-5 7 1", "5 7 1 1", "x y z", "99999999999999999999 0 0"])
  func `value that cannot be read begins anew`(text: String) async throws {
    try await with { catalogue, open in
      try catalogue.set("moved", to: text)
      #expect(
        await open(TransferRegistry(), 100).current
          == MovedBytes(uploaded: 0, downloaded: 0, since: Timestamp(seconds: 100)))
    }
  }

  @Test func `sums do not overflow`() async throws {
    try await with { catalogue, open in
      try catalogue.set("moved", to: "\(Content.maximumSize) \(Content.maximumSize) 1")
      let transfers = TransferRegistry()
      try move(transfers, up: .max, down: .max)
      #expect(await open(transfers, 100).current.uploaded == Content.maximumSize)
    }
  }
}
