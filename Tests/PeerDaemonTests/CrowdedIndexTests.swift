// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import NIOCore
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// An index that names thousands of holders that do not answer, or at addresses that no peer can have.
@Suite struct CrowdedIndexTests {
  private let bytes = pattern(100_000)
  private let content: Content

  init() throws {
    var leaves = [UInt8]()
    bytes.withUnsafeBytes { MerkleTree.appendLeaves(of: $0, to: &leaves) }
    content = try #require(MerkleTree.content(leaves: leaves, size: Int64(bytes.count)))
  }

  private func impatient(answer: TimeAmount = .milliseconds(100)) -> SourceTimeout {
    var timeout = SourceTimeout()
    timeout.connect = answer
    timeout.answer = answer
    timeout.hurriedAnswer = .milliseconds(20)
    timeout.stall = .milliseconds(300)
    timeout.selection.stagger = .milliseconds(20)
    return timeout
  }

  private func holder(_ number: Int, host: String, port: UInt16) throws -> Holder {
    Holder(peer: Swarm.id("gone\(number)"), name: try PeerName("gone"), host: host, port: port, complete: true)
  }

  private func row(_ member: Member) throws -> Holder {
    Holder(
      peer: member.id, name: try PeerName("alice"), host: "127.0.0.1", port: member.uploads.address.port, complete: true
    )
  }

  /// Loopback addresses, each counted as another host.
  private func host(_ number: Int) -> String { "127.1.\(number / 250).\(number % 250 + 1)" }

  /// All on one host, or each on another. Of the latter no more are tried after 256.
  @Test(arguments: [(10_000, 1), (250, 250)])
  func `one reachable holder among many is found`(_ count: Int, hosts: Int) async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      let closed = try SilentListener(isListening: false)
      let holders = try (0..<count).map { try holder($0, host: host($0 % hosts), port: closed.port) }
      let answer = ScriptedIndex.contents(content, holders + [try row(alice)])
      try await ScriptedIndex.with(answer: { answer }) { index in
        let bob = try await swarm.peer("bob", index: index.endpoint)
        let reply = try await bob.get("file/x", to: swarm.directory.file("target"))
        #expect(reply.sources.map(\.peer) == [alice.id])
        #expect(TemporaryDirectory.read(swarm.directory.file("target")) == bytes)
      }
    }
  }

  @Test func `many silent holders do not delay a download for long`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      let silent = try SilentListener(isListening: true)
      let holders = try (0..<150).map { try holder($0, host: host($0), port: silent.port) } + [try row(alice)]
      let answer = ScriptedIndex.contents(content, holders)
      try await ScriptedIndex.with(answer: { answer }) { index in
        let timeout = impatient(answer: .milliseconds(500))
        let bob = try await swarm.peer("bob", timeout: timeout, index: index.endpoint)
        let started = ContinuousClock.now
        _ = try await bob.get("file/x", to: swarm.directory.file("target"))
        // Sequential attempts would take 75 s.
        #expect(ContinuousClock.now - started < .seconds(40))
        #expect(TemporaryDirectory.read(swarm.directory.file("target")) == bytes)
      }
    }
  }

  /// Each look-up names other holders and none of them answers: the download ends in time and reports the number of tries.
  @Test func `search ends even if the index keeps naming holders`() async throws {
    try await Swarm.with { swarm in
      let silent = try SilentListener(isListening: true)
      let next = Mutex(0)
      let (content, port) = (content, silent.port)
      let answer: ScriptedIndex.Answer = {
        let first = next.withLock { next in
          defer { next += 50 }
          return next
        }
        let holders = (first..<first + 50).compactMap { try? holder($0, host: host($0 % 60_000), port: port) }
        return ScriptedIndex.contents(content, total: 1_000_000, holders)
      }
      var timeout = impatient()
      timeout.selection.search = .milliseconds(500)
      try await ScriptedIndex.with(answer: answer) { index in
        let bob = try await swarm.peer("bob", timeout: timeout, index: index.endpoint)
        let target = swarm.directory.file("target")
        let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: target) }
        #expect(failure?.code == .noSource)
        #expect(failure?.message.contains("holders") == true)
        #expect(index.lookups > 1)
        #expect(TemporaryDirectory.read(target) == nil)
        #expect(try bob.catalogue.leftovers().isEmpty)
      }
    }
  }

  /// Comparing an existing file of this size would take minutes.
  @Test func `comparison with an existing file can be cancelled`() async throws {
    try await Swarm.with { swarm in
      let huge = try #require(Content(root: content.root, size: 1 << 40))
      let answer = ScriptedIndex.contents(huge, [try holder(1, host: "127.0.0.1", port: 9)])
      try await ScriptedIndex.with(answer: { answer }) { index in
        let bob = try await swarm.peer("bob", index: index.endpoint)
        let target = try swarm.directory.write("target", [])
        #expect(truncate(target, off_t(huge.size)) == 0)
        let task = Task { try await bob.get("file/x", to: target) }
        #expect(await eventually { index.lookups == 1 })
        task.cancel()
        let failure = await #expect(throws: WireFailure.self) { try await task.value }
        #expect(failure?.code == .cancelled)
      }
    }
  }

  /// Names are not resolved; only unicast addresses are connected to.
  @Test(arguments: ["localhost", "0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.1.1", "::", "fe80::1", "x"])
  func `holders at impossible addresses are not asked`(_ host: String) async throws {
    try await Swarm.with { swarm in
      let answer = ScriptedIndex.contents(content, [try holder(1, host: host, port: 9)])
      try await ScriptedIndex.with(answer: { answer }) { index in
        let bob = try await swarm.peer("bob", timeout: impatient(), index: index.endpoint)
        let target = swarm.directory.file("target")
        let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: target) }
        #expect(failure?.code == .noSource)
        #expect(failure?.message.hasSuffix("has the address \(host), which cannot be a peer's") == true)
      }
    }
  }

  @Test(arguments: [
    #""key":"file/x","contents":[],"more":0"#, #""key":"file/x","contents":{},"more":0"#, #""nothing":0"#,
  ])
  func `reply without contents ends the download`(_ members: String) async throws {
    try await Swarm.with { swarm in
      try await ScriptedIndex.with(answer: { Array(members.utf8) }) { index in
        let bob = try await swarm.peer("bob", timeout: impatient(), index: index.endpoint)
        let target = swarm.directory.file("target")
        let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: target) }
        #expect(failure?.code == (members.contains("[]") ? .notFound : .unavailable))
      }
    }
  }
}

/// A port on all addresses that accepts no connection: they hang, or are refused.
private final class SilentListener: Sendable {
  let port: UInt16
  private let descriptor: CInt

  init(isListening: Bool) throws {
    descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard bind(descriptor, address, length) == 0 else { return errno }
        return getsockname(descriptor, address, &length)
      }
    }
    guard descriptor >= 0, result == 0 else { throw RawConnection.Failure(description: "no port") }
    port = UInt16(bigEndian: address.sin_port)
    if isListening, listen(descriptor, 16) != 0 { throw RawConnection.Failure(description: "listen") }
  }

  deinit { close(descriptor) }
}
