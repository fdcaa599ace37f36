// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import NIOPosix
import POSIXSupport
import Synchronization

/// Why the addresses of a host are not known.
package enum HostLookupFailure: Error, Equatable, CustomStringConvertible {
  /// The resolver's error: getaddrinfo(3).
  case failed(host: String, reason: String)
  case timedOut(host: String)
  /// Too many look-ups wait for their name servers, or no thread can be made.
  case tooMany

  package var description: String {
    switch self {
    case .failed(let host, let reason): "cannot look up \(host): \(reason)"
    case .timedOut(let host): "the look-up of \(host) got no answer in time: check the name servers in /etc/resolv.conf"
    case .tooMany: "too many look-ups of host names are waiting for name servers"
    }
  }
}

/// Looks up host names without an event loop waiting: getaddrinfo(3) blocks for as long as a name server does not answer.
///
/// Each look-up has a thread of its own, so none waits for another; the look-ups of one name share one. Callers wait for a
/// limited time. An answer that comes later serves the next caller.
package final class HostLookups: Sendable {
  package typealias LookUp = @Sendable (_ host: String) -> Result<[SocketAddress], HostLookupFailure>

  package static let shared = HostLookups()
  /// Maximum number of look-ups under way.
  package static let maxThreads = 16
  /// Addresses of one host; further ones are ignored.
  private static let maxAddresses = 16
  /// How long an answer is kept that came after its callers had given up.
  private static let lateAnswerTime = TimeAmount.seconds(30)

  private struct State {
    /// The callers of each look-up under way; none if all have given up.
    var running: [String: [Int: EventLoopPromise<[SocketAddress]>]] = [:]
    var late: [String: (addresses: [SocketAddress], until: NIODeadline)] = [:]
    var lastCaller = 0
  }

  private let lookUp: LookUp
  private let state = Mutex(State())

  /// - Parameter lookUp: may block.
  package init(lookUp: @escaping LookUp = HostLookups.system) {
    self.lookUp = lookUp
  }

  /// The address that a text means without a look-up, such as `192.0.2.7`, `::1` or `fe80::1%eth0`; `nil` for a name.
  package static func numeric(_ host: String, port: UInt16) -> SocketAddress? {
    guard case .success(let addresses) = resolve(host, flags: AI_NUMERICHOST) else { return nil }
    return addresses.first.map { $0.at(port) }
  }

  /// The addresses of a host, with port 0. Fails with a `HostLookupFailure`.
  package func addresses(
    of host: String, on loop: any EventLoop, within timeout: TimeAmount
  ) -> EventLoopFuture<[SocketAddress]> {
    let promise = loop.makePromise(of: [SocketAddress].self)
    let caller = join(host, promise)
    let timer = loop.scheduleTask(in: timeout) { self.giveUp(host, caller) }
    promise.futureResult.whenComplete { _ in timer.cancel() }
    return promise.futureResult
  }

  private func join(_ host: String, _ promise: EventLoopPromise<[SocketAddress]>) -> Int {
    enum Next { case wait, start, refuse, answer([SocketAddress]) }
    let now = NIODeadline.now()
    let (caller, next) = state.withLock { state -> (Int, Next) in
      state.lastCaller += 1
      state.late = state.late.filter { $0.value.until > now }
      if let late = state.late.removeValue(forKey: host) { return (state.lastCaller, .answer(late.addresses)) }
      let isRunning = state.running[host] != nil
      guard isRunning || state.running.count < Self.maxThreads else { return (state.lastCaller, .refuse) }
      state.running[host, default: [:]][state.lastCaller] = promise
      return (state.lastCaller, isRunning ? .wait : .start)
    }
    switch next {
    case .wait: break
    case .start:
      let isStarted = BackgroundThread.start { [self] in finish(host, lookUp(host)) }
      if !isStarted { finish(host, .failure(.tooMany)) }
    case .refuse: promise.fail(HostLookupFailure.tooMany)
    case .answer(let addresses): promise.succeed(addresses)
    }
    return caller
  }

  private func giveUp(_ host: String, _ caller: Int) {
    let promise = state.withLock { $0.running[host]?.removeValue(forKey: caller) }
    promise?.fail(HostLookupFailure.timedOut(host: host))
  }

  private func finish(_ host: String, _ result: Result<[SocketAddress], HostLookupFailure>) {
    let result = result.map { Array($0.prefix(Self.maxAddresses)) }
    let until = NIODeadline.now() + Self.lateAnswerTime
    let callers = state.withLock { state in
      let callers = state.running.removeValue(forKey: host) ?? [:]
      if callers.isEmpty, case .success(let addresses) = result { state.late[host] = (addresses, until) }
      return callers
    }
    for promise in callers.values {
      switch result {
      case .success(let addresses): promise.succeed(addresses)
      case .failure(let failure): promise.fail(failure)
      }
    }
  }

  // MARK: The system's resolver

  /// Asks the system: /etc/hosts, name servers. Blocks.
  package static let system: LookUp = { resolve($0, flags: 0) }

  private static func resolve(_ host: String, flags: CInt) -> Result<[SocketAddress], HostLookupFailure> {
    var hints = addrinfo()
    hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    hints.ai_flags = flags
    var found: UnsafeMutablePointer<addrinfo>?
    let error = getaddrinfo(host, nil, &hints, &found)
    guard error == 0 else {
      let reason = error == EAI_SYSTEM ? SystemError(errno).description : String(cString: gai_strerror(error))
      return .failure(.failed(host: host, reason: reason))
    }
    defer { freeaddrinfo(found) }
    var addresses = [SocketAddress]()
    var next = found
    while let info = next?.pointee {
      if let address = SocketAddress(info) { addresses.append(address) }
      next = info.ai_next
    }
    return .success(addresses)
  }
}

/// The look-up of one connection attempt, as NIO's connector asks for it.
final class HostResolver: Resolver, Sendable {
  private let loop: any EventLoop
  private let start: @Sendable (String) -> EventLoopFuture<[SocketAddress]>
  /// Of the only look-up: the connector asks for both families.
  private let found = Mutex<EventLoopFuture<[SocketAddress]>?>(nil)

  init(lookups: HostLookups, loop: any EventLoop, timeout: TimeAmount) {
    self.loop = loop
    start = { lookups.addresses(of: $0, on: loop, within: timeout) }
  }

  func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
    query(host, port) { if case .v4 = $0 { true } else { false } }
  }

  func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
    query(host, port) { if case .v6 = $0 { true } else { false } }
  }

  /// The look-up ends by its own timeout, and its answer may serve others.
  func cancelQueries() {}

  private func query(
    _ host: String, _ port: Int, _ isMeant: @escaping @Sendable (SocketAddress) -> Bool
  ) -> EventLoopFuture<[SocketAddress]> {
    let addresses = found.withLock { found in
      let future = found ?? start(host)
      found = future
      return future
    }
    return addresses.map { $0.filter(isMeant).map { $0.at(UInt16(clamping: port)) } }
  }
}

extension SocketAddress {
  /// `nil` for families other than IPv4 and IPv6.
  fileprivate init?(_ info: addrinfo) {
    guard let address = UnsafeRawPointer(info.ai_addr) else { return nil }
    switch info.ai_family {
    case AF_INET: self.init(address.loadUnaligned(as: sockaddr_in.self))
    case AF_INET6: self.init(address.loadUnaligned(as: sockaddr_in6.self))
    default: return nil
    }
  }

  fileprivate func at(_ port: UInt16) -> SocketAddress {
    var address = self
    address.port = Int(port)
    return address
  }
}
