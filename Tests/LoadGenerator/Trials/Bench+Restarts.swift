import DocumentModel
import Glibc
import LineJSON
import TestSupport

/// From a kill to the first answer, and from nothing to the end of a command.
extension Bench {
  private static let hello = #"{"id":1,"op":"hello","protocol":1}"#
  private static let helloOfPeer = String(decoding: LoadRequest.lookup("").greeting.dropLast(), as: UTF8.self)

  func measureRestarts(_ round: Int) throws {
    let socket = installation.socket("alice")
    for _ in 0..<effort.kills {
      let index = try installation.index()
      let outage = try outage(of: index.pid, asking: Self.helloOfPeer) { try RawConnection(to: index.endpoint) }
      add(Sample(.indexRestart, Figure.own, round: round, milliseconds: outage))
      let pid = try installation.process("alice").pid
      let silence = try self.outage(of: pid, asking: Self.hello) { try RawConnection(path: socket) }
      add(Sample(.peerRestart, Figure.own, round: round, milliseconds: silence))
      try waitForRecords()
    }
  }

  func measureStart(_ round: Int) throws {
    let ping = Tool(path: try Tool.installed("redis-cli"), scratch: directory)
    let port = "\(rivals.redis.endpoint.port)"
    for _ in 0..<effort.repetitions * 2 {
      let own = try installation.run("alice", "status")
      add(Sample(.start, Figure.own, round: round, milliseconds: own.elapsed, own.processorTime))
      let other = try ping.run(["-p", port, "PING"])
      add(Sample(.start, Figure.redisPing, round: round, milliseconds: other.elapsed, other.processorTime))
    }
  }

  /// Kills a process and asks until it answers again. Its supervisor holds the listening socket, so that one connection
  /// does, but for one that the dying process had still taken.
  private func outage(of pid: Int32, asking question: String, _ connect: () throws -> RawConnection) throws -> Duration
  {
    let start = ContinuousClock.now
    guard kill(pid, SIGKILL) == 0 else { throw BenchFailure.system("kill \(pid)") }
    let answers = eventuallyOnThread(within: .seconds(10)) {
      guard let connection = try? connect() else { return false }
      return (try? connection.ask(question))?["status"]?.integer == 200
    }
    let elapsed = ContinuousClock.now - start
    guard answers else { throw BenchFailure("nobody answers any more in the place of process \(pid)") }
    return elapsed
  }

  /// What follows needs ready processes and an index that knows everything again.
  private func waitForRecords() throws {
    try installation.wait(for: ["index", "alice", "bob"])
    let isListed = eventuallyOnThread(within: .seconds(20)) {
      (try? installation.run("bob", "lookup", documents.largeKey)) != nil
        && (try? installation.run("bob", "lookup", Documents.key(Documents.smallCount - 1))) != nil
    }
    guard isListed else { throw BenchFailure("what was shared is not listed again after a restart") }
  }
}
