// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// Prefixes whose documents an index gives thousands of holders that never were.
@Suite struct HolderBudgetTests {
  private func holder(_ number: Int) -> HolderID {
    HolderID(peer: Swarm.id("p\(number)"), host: "127.1.\(number / 250).\(number % 250 + 1)", port: 9)
  }

  @Test func `when the budget is used up only holders that gave something are asked`() {
    var budget = HolderBudget()
    budget.noteDelivery(of: holder(9999))
    for number in 0..<255 { budget.noteFailure(of: holder(number)) }
    #expect(!budget.isUsedUp && budget.mayAsk(holder(0)) && budget.mayAsk(holder(500)))
    #expect(budget.avoidedNext.isEmpty)
    budget.noteFailure(of: holder(254))
    budget.noteFailure(of: holder(9999))
    #expect(!budget.isUsedUp)
    budget.noteFailure(of: holder(255))
    #expect(budget.isUsedUp && !budget.mayAsk(holder(500)) && budget.mayAsk(holder(9999)))
    #expect(budget.avoidedNext == Set((0..<256).map(holder)))
  }

  /// In each round those that may be asked are asked in the same order.
  @Test func `good holder behind thousands of dead ones has its turn`() {
    let good = holder(15_000)
    let all = (0..<15_000).map(holder) + [good]
    var (avoided, rounds, asked) = (Set<HolderID>(), 0, 0)
    var isFound = false
    while !isFound, rounds < 1000 {
      rounds += 1
      var budget = HolderBudget(avoiding: avoided)
      for holder in all where budget.mayAsk(holder) {
        asked += 1
        if holder == good {
          budget.noteDelivery(of: holder)
          isFound = true
        } else {
          budget.noteFailure(of: holder)
        }
      }
      avoided = budget.avoidedNext
    }
    #expect(rounds == 15_000 / 256 + 1 && asked == 15_001)
    #expect(avoided.isEmpty)
  }

  @Test(.timeLimit(.minutes(1))) func `dead holders of a prefix are left after 256`() async throws {
    let door = try ClosingDoor()
    let rows = (0..<700).map { number in
      let holder = holder(number)
      return Self.row(
        "data/t/\(number)", number,
        #"{"peer":"\#(holder.peer)","name":"gone","host":"\#(holder.host)","port":\#(door.port),"complete":true}"#)
    }
    let list = rows.joined(separator: ",")
    let script: PushingIndex.Script = { request, id in
      guard case .list(let query) = request else { return nil }
      return [#"{"id":\#(id),"status":200,"documents":[\#(query.level ? "" : list)]}"#]
    }
    try await DaemonFixture.with { fixture in
      try await PushingIndex.with(script) { _, endpoint in
        try await fixture.withPeer("bob", index: endpoint) { bob in
          let request = GetDocuments(.prefix("data/t/"), directory: fixture.directory.file("out"))
          let reply: ControlGetAllReply = try await bob.reply(.getAll(request))
          #expect(reply.failed == 700 && reply.failure == "no-source" && reply.state == "waiting")
          // Some are under way when the last one fails.
          #expect((256...256 + 32).contains(door.knocks))
        }
      }
    }
  }

  private static func row(_ key: String, _ content: Int, _ holder: String) -> String {
    let digits = String(content + 1, radix: 16)
    let root = String(repeating: "0", count: 64 - digits.count) + digits
    return #"{"key":"\#(key)","title":"","content":"\#(root)","size":10,"modified":"1981-09-01T00:00:00Z","total":1,"#
      + #""holders":[\#(holder)]}"#
  }
}

/// A port on all addresses of this machine that closes each connection at once.
private final class ClosingDoor: Sendable {
  let port: UInt16
  private let descriptor: CInt
  private let count = Atomic<Int>(0)

  /// Connections so far.
  var knocks: Int { count.load(ordering: .relaxed) }

  init() throws {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard bind(descriptor, address, length) == 0, listen(descriptor, 1024) == 0 else { return errno }
        return getsockname(descriptor, address, &length)
      }
    }
    guard descriptor >= 0, result == 0 else { throw RawConnection.Failure(description: "no port") }
    self.descriptor = descriptor
    port = UInt16(bigEndian: address.sin_port)
    Worker.start { [weak self] in
      while case let connection = accept(descriptor, nil, nil), connection >= 0 {
        self?.count.add(1, ordering: .relaxed)
        close(connection)
      }
      close(descriptor)
    }
  }

  deinit { shutdown(descriptor, CInt(SHUT_RDWR)) }
}
