// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import POSIXSupport
import Synchronization

/// Why a server takes no further connection.
package enum AcceptProblem: Hashable, Sendable {
  /// accept(2) failed with this errno.
  case failed(CInt)
  case refused(ConnectionRefusal)

  /// What happened and what to do, for a log.
  package var description: String {
    switch self {
    case .failed(let code) where code == EMFILE || code == ENFILE:
      "cannot accept connections: \(SystemError(code)); raise the limit of open files (ulimit -n, LimitNOFILE=)"
    case .failed(let code): "cannot accept connections: \(SystemError(code))"
    case .refused(.tooMany(let limit)): "refusing connections: \(limit) are open, which is the limit"
    case .refused(.tooManyOfAddress(let limit)):
      "refusing connections of an address that has \(limit) open, which is the limit"
    case .refused(.lineMemory(let limit)):
      "closing connections that hold lines for long: all may hold \(limit) bytes, which is the limit"
    case .refused(.plain): "refusing connections without TLS"
    }
  }
}

/// Thins out notices of the same problem: the first is reported at once, then one a minute with the number of the others.
package struct AcceptNotices: Sendable {
  private static let interval = TimeAmount.seconds(60)

  private var last: [AcceptProblem: (time: NIODeadline, left: Int)] = [:]

  package init() {}

  /// - Returns: the text to report now, if any.
  package mutating func note(_ problem: AcceptProblem, at now: NIODeadline) -> String? {
    guard let (time, left) = last[problem] else {
      last[problem] = (now, 0)
      return problem.description
    }
    guard now - time >= Self.interval else {
      last[problem] = (time, left + 1)
      return nil
    }
    last[problem] = (now, 0)
    return left == 0 ? problem.description : "\(problem.description) (\(left) more since the last message)"
  }
}

/// Descriptors held for a server that must answer when all others are used: that of the process's owner.
final class DescriptorReserve: Sendable {
  private let count: Int
  private let held = Mutex<[CInt]>([])

  init(count: Int) {
    self.count = count
    refill()
  }

  deinit {
    release()
  }

  /// Frees them.
  /// - Returns: false if none are held.
  @discardableResult
  func release() -> Bool {
    let descriptors = held.withLock { held in
      defer { held = [] }
      return held
    }
    for descriptor in descriptors { close(descriptor) }
    return !descriptors.isEmpty
  }

  /// Takes them back, as far as there are any.
  func refill() {
    held.withLock { held in
      while held.count < count {
        let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        held.append(descriptor)
      }
    }
  }
}

/// The accepting side of one server: pauses after a failure, which would happen again at once, and reports it.
final class AcceptControl: Sendable {
  let turns: LoopTurnsTable
  /// `nil` where no TLS is offered.
  let acceptor: TLSAcceptor?
  private let report: @Sendable (String) -> Void
  private let onRefusal: @Sendable (ConnectionRefusal, SocketAddress?) -> Void
  private let notices = Mutex(AcceptNotices())
  private let reserve: DescriptorReserve?

  /// - Parameter reserve: number of descriptors held for this server.
  init(
    reserve: Int, turns: LoopTurnsTable, acceptor: TLSAcceptor?, _ report: @escaping @Sendable (String) -> Void,
    _ onRefusal: @escaping @Sendable (ConnectionRefusal, SocketAddress?) -> Void
  ) {
    self.turns = turns
    self.acceptor = acceptor
    self.report = report
    self.onRefusal = onRefusal
    self.reserve = reserve > 0 ? DescriptorReserve(count: reserve) : nil
  }

  func note(_ refusal: ConnectionRefusal, of address: SocketAddress?) {
    note(.refused(refusal))
    onRefusal(refusal, address)
  }

  private func note(_ problem: AcceptProblem) {
    let text = notices.withLock { $0.note(problem, at: .now()) }
    if let text { report(text) }
  }

  /// accept(2) failed.
  /// - Returns: whether it is worth trying again at once.
  fileprivate func failed(_ code: CInt) -> Bool {
    note(.failed(code))
    return reserve?.release() ?? false
  }

  /// The reserve is taken back when a connection that may have used it closes.
  func accepted(_ channel: any Channel) {
    guard let reserve else { return }
    channel.closeFuture.whenComplete { _ in reserve.refill() }
  }
}

/// Stops accepting for a moment when the system has no descriptor or memory for a connection: the event loop would spin,
/// because the connection stays in the queue.
///
/// NIO's own handler for this delays the next read only, and after a failed one there is none: it stays registered.
final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel

  private static let pause = TimeAmount.milliseconds(500)
  private static let exhausted: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM]

  private let control: AcceptControl

  init(_ control: AcceptControl) {
    self.control = control
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let code = (error as? IOError)?.errnoCode, Self.exhausted.contains(code) else {
      return context.fireErrorCaught(error)
    }
    guard !control.failed(code) else { return }
    let channel = context.channel
    try? channel.syncOptions?.setOption(.autoRead, value: false)
    channel.eventLoop.scheduleTask(in: Self.pause) {
      try? channel.syncOptions?.setOption(.autoRead, value: true)
    }
  }
}

/// How many connections a server can hold with the descriptors of its process.
package struct DescriptorPlan: Equatable, Sendable {
  package let connections: Int
  /// Refusals sent at a time: their connections use descriptors as well.
  package let refusals: Int
  /// Descriptors to hold back for the owner of the process.
  package let reserve: Int

  /// - Parameters:
  ///   - limit: of the process: RLIMIT_NOFILE in getrlimit(2).
  ///   - own: descriptors that the process needs for everything else.
  ///   - each: descriptors of one connection.
  ///   - most: maximum number of connections, whatever the limit.
  package init(limit: Int, own: Int, each: Int, most: Int) {
    refusals = max(1, min(64, limit / 16))
    reserve = max(2, min(16, limit / 16))
    // With few descriptors in all, half of them have to do.
    let others = min(own + refusals + reserve, limit / 2)
    connections = max(1, min(most, (limit - others) / each))
  }
}
