// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerIdentity
import Synchronization
import TestSupport

/// Peers of one thread at an index, by TLS with keys of their own, or without. They are made by the transport of this
/// project: `Load` and `Crowd` cost less, but speak no TLS.
final class SecureClients {
  private static let timeout = TimeAmount.seconds(30)
  private static let limits = LineLimits(line: 1 << 20)

  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private var loop: any EventLoop { group.next() }

  deinit {
    try? group.syncShutdownGracefully()
  }

  /// - Parameter identity: `nil` for a plain connection.
  private func connect<Role: LineRole>(
    to server: Endpoint, as identity: TransportIdentity?, _ makeRole: @escaping @Sendable () -> Role
  ) throws -> EventLoopFuture<any Channel> {
    LineClient.connect(
      to: try SocketAddress(ipAddress: server.host, port: Int(server.port)), on: loop, limits: Self.limits,
      timeout: Self.timeout, tls: identity.map { ClientTLS($0, expected: nil) }
    ) { _ in makeRole() }
  }

  // MARK: Crowds

  /// Connects all, a few at a time, and returns when each has got an answer to all of its lines.
  /// - Parameters:
  ///   - atATime: connections that are being made.
  ///   - keeps: whether they stay open; until `close` of the channels then.
  func crowd(
    _ identities: ArraySlice<TransportIdentity>, at server: Endpoint, atATime: Int, keeps: Bool,
    lines: (TransportIdentity, Int) -> (bytes: [UInt8], count: Int)
  ) throws -> [any Channel] {
    var channels: [any Channel] = []
    var rest = identities.enumerated().map { (identity: $1, lines: lines($1, $0)) }[...]
    // As soon as one is done the next begins.
    var pending = CircularBuffer<EventLoopFuture<any Channel>>()
    while !rest.isEmpty || !pending.isEmpty {
      while pending.count < atATime, let next = rest.popFirst() {
        let answered = loop.makePromise(of: Void.self)
        let connected = try connect(to: server, as: next.identity) {
          ClientRole(next.lines.bytes, next.lines.count, answered)
        }
        connected.cascadeFailure(to: answered)
        pending.append(connected.flatMap { channel in answered.futureResult.map { channel } })
      }
      guard let channel = try pending.popFirst()?.wait() else { break }
      if keeps { channels.append(channel) } else { channel.close(promise: nil) }
    }
    return channels
  }

  // MARK: Loads

  /// As `Load.run`.
  func load(
    _ request: LoadRequest, at server: Endpoint, serverProcess: Int32, as identities: [TransportIdentity?], depth: Int,
    duration: Duration
  ) throws -> Load.Outcome {
    let batch = Array(repeatElement(request.bytes, count: depth).joined())
    let answers = Tally()
    let sources = try identities.map { identity in
      let hello = identity.map { Array((Self.hello($0) + "\n").utf8) } ?? request.greeting
      return try connect(to: server, as: identity) { LoadRole(hello, batch, depth, answers) }.wait()
    }
    defer { for source in sources { try? source.close().wait() } }
    let before = try ProcessorTime.of(serverProcess)
    let (start, first) = (ContinuousClock.now, answers.value)
    usleep(useconds_t(duration.inMilliseconds * 1_000))
    let (end, last) = (ContinuousClock.now, answers.value)
    let used = try ProcessorTime.of(serverProcess) - before
    let count = Double(last - first)
    return Load.Outcome(rate: count / (end - start).inSeconds, processorTime: used / count * 1e6)
  }

  static func hello(_ identity: TransportIdentity, port: Int? = nil) -> String {
    let port = port.map { #","port":\#($0)"# } ?? ""
    return #"{"id":1,"op":"hello","protocol":1,"peer":"\#(identity.id.hex)","name":"p"\#(port)}"#
  }
}

/// Answers of all connections of a load.
private final class Tally: Sendable {
  private let count = Atomic(0)

  var value: Int { count.load(ordering: .relaxed) }

  func add(_ answers: Int) { count.wrappingAdd(answers, ordering: .relaxed) }
}

/// Sends lines and waits for as many.
private final class ClientRole: LineRole {
  private let bytes: [UInt8]
  private var missing: Int
  private let answered: EventLoopPromise<Void>

  init(_ bytes: [UInt8], _ count: Int, _ answered: EventLoopPromise<Void>) {
    self.bytes = bytes
    missing = count
    self.answered = answered
  }

  func opened(_ connection: any LineConnection) {
    connection.send { $0.bytes += bytes }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    missing -= 1
    if missing == 0 { answered.succeed() }
    return .next
  }

  func closed() { answered.fail(BenchFailure("the index closed a connection")) }
}

/// Sends a batch, and the next one when all of it has been answered.
private final class LoadRole: LineRole {
  private let hello: [UInt8]
  private let batch: [UInt8]
  private let depth: Int
  private let answers: Tally
  /// Lines until the next batch; the first is the answer to `hello`.
  private var missing = 1

  init(_ hello: [UInt8], _ batch: [UInt8], _ depth: Int, _ answers: Tally) {
    self.hello = hello
    self.batch = batch
    self.depth = depth
    self.answers = answers
  }

  func opened(_ connection: any LineConnection) {
    connection.send { $0.bytes += hello }
  }

  func received(lines: UnsafeRawBufferPointer, room: Int, output: inout JSONWriter) -> Int {
    var end = 0
    while let next = lines[end...].firstIndex(of: UInt8(ascii: "\n")) {
      end = next + 1
      take(&output)
    }
    return end
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    take(&output)
    return .next
  }

  private func take(_ output: inout JSONWriter) {
    missing -= 1
    guard missing == 0 else { return }
    answers.add(depth)
    missing = depth
    output.bytes += batch
  }
}
