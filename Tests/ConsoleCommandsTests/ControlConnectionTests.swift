// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import DocumentModel
import Glibc
import LineJSON
import TestSupport
import Testing
import WireProtocol

/// One connection to a scripted daemon.
@Suite struct ControlConnectionTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("alice.sock") }

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func open(
    _ path: String? = nil, as role: ControlHelloReply.Role = .peer, timeout: Duration = .seconds(20)
  ) throws(ControlError) -> ControlConnection {
    try ControlConnection.open(path ?? self.path, role: role, timeout: timeout)
  }

  /// The error of opening a connection; `nil` on success.
  private func failure(
    _ path: String? = nil, as role: ControlHelloReply.Role = .peer, timeout: Duration = .seconds(20)
  ) -> ControlError? {
    do throws(ControlError) {
      _ = try open(path, as: role, timeout: timeout)
      return nil
    } catch {
      return error
    }
  }

  // MARK: The greeting

  @Test func `greeting and pid are known`() throws {
    let daemon = try ScriptedDaemon(at: path)
    let connection = try open()
    #expect(connection.greeting.name == "alice")
    #expect(connection.greeting.server == "p2p-peer/0.1.0")
    #expect(connection.path == path)
    #expect(connection.peerProcess == getpid())
    _ = daemon
  }

  @Test func `daemon with another role is rejected`() throws {
    let daemon = try ScriptedDaemon(at: path, greeting: ScriptedDaemon.supervisorGreeting)
    #expect(failure() == .wrongRole(path, .supervisor))
    #expect(failure(as: .supervisor) == nil)
    #expect(daemon.requests.isEmpty)
  }

  @Test func `connection failures are told apart`() throws {
    #expect(failure() == .noSocket(path))
    #expect(failure(path + "/x") == .noSocket(path + "/x"))
    try UnixListener.abandon(at: path)
    #expect(failure() == .refused(path))
    let long = "/" + String(repeating: "x", count: 107)
    #expect(failure(long) == .pathTooLong(long))
  }

  @Test func `missing permission is reported`() throws {
    // Permissions do not apply to root.
    guard geteuid() != 0 else { return }
    let listener = try UnixListener.listen(at: path)
    defer { close(listener) }
    chmod(path, 0)
    #expect(failure() == .notPermitted(path))
  }

  @Test func `silent daemon times out`() throws {
    let daemon = try ScriptedDaemon(at: path) { _ in [.silence] }
    #expect(failure(timeout: .milliseconds(50)) == .noAnswer(path, seconds: 0))
    _ = daemon
  }

  @Test func `refusal instead of a greeting is passed on`() throws {
    let daemon = try ScriptedDaemon(at: path) { _ in
      [.line(#"{"id":null,"status":503,"error":"unavailable","message":"it backs off","retry_after":2}"#), .close]
    }
    #expect(failure() == .failure(WireFailure(.unavailable, "it backs off", retryAfter: 2)))
    _ = daemon
  }

  // MARK: Requests

  @Test func `events arrive in order before the reply`() throws {
    let events = (1...3).map { number in
      ScriptedDaemon.Step.line(
        #"{"event":"peer","peer":"\#(ScriptedDaemon.id)","name":"p\#(number)","host":"::1","port":5,"documents":\#(number)}"#
      )
    }
    let daemon = try ScriptedDaemon(at: path) { line in
      if line.contains("hello") { return [.line(ScriptedDaemon.greeting)] }
      let id = line.contains(#""id":2,"#) ? 2 : 3
      return events + [.line(#"{"event":"of a later version"}"#), .line(#"{"id":\#(id),"status":200,"peers":3}"#)]
    }
    var connection = try open()
    for _ in 0..<2 {
      var names = [String]()
      let reply = try connection.request(.peers(limit: 3), for: ControlPeersReply.self, timeout: .seconds(20)) {
        if case .peer(let peer) = $0 { names.append(peer.name.text) }
      }
      #expect(names == ["p1", "p2", "p3"])
      #expect(reply.peers == 3)
    }
    #expect(daemon.requests.map { $0.prefix(8) } == [#"{"id":2,"#, #"{"id":3,"#])
  }

  @Test(arguments: 1...10) func `replies may arrive in pieces of any size`(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let lines = (1...20).map { number in
      #"{"event":"peer","peer":"\#(ScriptedDaemon.id)","name":"p\#(number)","host":"::1","port":5,"documents":\#(number)}"#
    }
    var rest = Array((lines + [#"{"id":2,"status":200,"peers":20}"#]).map { $0 + "\n" }.joined().utf8)[...]
    var steps = [ScriptedDaemon.Step]()
    while !rest.isEmpty {
      let piece = rest.prefix(random.pick([1, 2, 7, 64, 300]))
      steps.append(.bytes(Array(piece)))
      rest = rest.dropFirst(piece.count)
    }
    let script = steps
    let daemon = try ScriptedDaemon(at: path) { $0.contains("hello") ? [.line(ScriptedDaemon.greeting)] : script }
    var connection = try open()
    var documents = [Int]()
    _ = try connection.request(.peers(limit: nil), for: ControlPeersReply.self, timeout: .seconds(20)) {
      if case .peer(let peer) = $0 { documents.append(peer.documents) }
    }
    #expect(documents == Array(1...20))
    _ = daemon
  }

  @Test func `error of an event handler ends the request`() throws {
    struct Stop: Error {}
    let event = #"{"event":"peer","peer":"\#(ScriptedDaemon.id)","name":"p","host":"::1","port":5,"documents":1}"#
    let daemon = try ScriptedDaemon(at: path, .line(event), .line(event), .line(#"{"id":2,"status":200,"peers":2}"#))
    var connection = try open()
    var count = 0
    do {
      _ = try connection.request(.peers(limit: nil), for: ControlPeersReply.self, timeout: .seconds(20)) { _ in
        count += 1
        throw Stop()
      }
      Issue.record("the error was swallowed")
    } catch is Stop {
      #expect(count == 1)
    }
    _ = daemon
  }

  @Test func `silence between two lines times out`() throws {
    let event = #"{"event":"peer","peer":"\#(ScriptedDaemon.id)","name":"p","host":"::1","port":5,"documents":1}"#
    let daemon = try ScriptedDaemon(at: path, .line(event), .silence)
    var connection = try open()
    var count = 0
    do {
      _ = try connection.request(.peers(limit: nil), for: ControlPeersReply.self, timeout: .milliseconds(50)) { _ in
        count += 1
      }
      Issue.record("the silence did not time out")
    } catch ControlError.noAnswer(let where_, _) {
      #expect((where_, count) == (path, 1))
    }
    #expect(try connection.waitForEnd(timeout: .milliseconds(20)) == false)
    _ = daemon
  }

  @Test(arguments: [
    "nonsense", "[]", #"{"id":9,"status":200,"peers":1}"#, #"{"id":2,"status":200}"#, #"{"id":2}"#,
    #"{"id":2,"status":200,"peers":-1}"#, #"{"event":"peer"}"#, #"{"event":5}"#,
  ])
  func `malformed reply is an error`(line: String) throws {
    let daemon = try ScriptedDaemon(at: path, .line(line))
    var connection = try open()
    do {
      _ = try connection.request(.peers(limit: nil), for: ControlPeersReply.self, timeout: .seconds(20))
      Issue.record("it was taken for a reply")
    } catch ControlError.malformed(let where_, _) {
      #expect(where_ == path)
    }
    _ = daemon
  }

  @Test func `connection survives a refusal`() throws {
    let daemon = try ScriptedDaemon(at: path) { line in
      if line.contains("hello") { return [.line(ScriptedDaemon.greeting)] }
      return line.contains(#""id":2,"#)
        ? [.line(#"{"id":2,"status":404,"error":"not-found","message":"no"}"#)]
        : [.line(#"{"id":3,"status":200,"removed":1}"#)]
    }
    var connection = try open()
    do {
      _ = try connection.request(.transfers(ListTransfers()), for: ControlTransfersReply.self, timeout: .seconds(20))
      Issue.record("it was no refusal")
    } catch ControlError.failure(let failure) {
      #expect(failure.code == .notFound)
    }
    #expect(try connection.request(.status, for: ControlRemoveReply.self, timeout: .seconds(20)).removed == 1)
    _ = daemon
  }

  @Test func `closed connection is an error`() throws {
    let daemon = try ScriptedDaemon(at: path, .bytes(Array(#"{"id":2,"#.utf8)), .close)
    var connection = try open()
    do {
      _ = try connection.request(.status, for: ControlStatusReply.self, timeout: .seconds(20))
      Issue.record("it was taken for a reply")
    } catch ControlError.closed(let closed) {
      #expect(closed == path)
    }
    #expect(try connection.waitForEnd(timeout: .seconds(20)))
    _ = daemon
  }

  @Test func `NUL is not sent`() throws {
    let daemon = try ScriptedDaemon(at: path)
    var connection = try open()
    do {
      let request = ControlRequest.add(AddFiles(paths: ["/a\u{0}b"], recursive: false))
      _ = try connection.request(request, for: ControlAddReply.self, timeout: .seconds(20))
      Issue.record("it was sent")
    } catch ControlError.unsendable {
      #expect(daemon.requests.isEmpty)
    }
  }
}
