// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import Logging
import NIOPosix
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

@Suite struct NetworkHomesTests {
  @Test func `what cannot be kept is tried again until it can`() async throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("x", [1])
    let state = directory.file("state")
    let catalogue = try Catalogue(directory: state)
    let selection = try IndexSelection(
      settings: Endpoint(host: "192.0.2.1", port: 7734), catalogue: catalogue,
      known: try KnownIndexes(catalogue: catalogue))
    let address = selection.current.address
    let file = try FileHasher(layers: catalogue.layers).hash(path)
    let key = try DocumentKey("file/x")
    try catalogue.add(
      [
        Share(
          document: Document(key: key, title: .empty, content: file.content, modified: Timestamp(seconds: 0)),
          path: path, origin: .added, fingerprint: file.fingerprint,
          audience: Audience(.awaited(selection.place(of: address))))
      ], hashed: [HashedFile(path: path, layer: file.layer, fingerprint: file.fingerprint, isRacy: false)])

    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    let (pauses, paused) = AsyncStream.makeStream(of: Duration.self)
    let (resumptions, resumed) = AsyncStream.makeStream(of: Void.self)
    let (announcements, announced) = AsyncStream.makeStream(of: Void.self)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let homes = NetworkHomes(
      catalogue: catalogue, selection: selection, pool: pool, logger: logger,
      sleep: { pause in
        paused.yield(pause)
        for await _ in resumptions { break }
      })
    homes.tell(closed: { _ in }, late: { announced.yield() })

    // No change is recorded while the state directory is away.
    try #require(rename(state, state + ".moved") == 0)
    let settle = try #require(homes.arrived(at: address, in: .open))
    await settle()
    var pause = pauses.makeAsyncIterator()
    #expect(await pause.next() == .seconds(10))
    resumed.yield()
    #expect(await pause.next() == .seconds(10))
    try #require(rename(state + ".moved", state) == 0)
    #expect(try catalogue.withheldCount(from: .open) == 1)
    resumed.yield()
    var announcement = announcements.makeAsyncIterator()
    await announcement.next()
    #expect(try catalogue.withheldCount(from: .open) == 0)
    #expect(homes.arrived(at: address, in: .open) == nil, "it is settled")
    catalogue.close()
    try await pool.shutdownGracefully()
  }
}
