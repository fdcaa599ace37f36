// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import POSIXSupport
import SystemPackage
import WireProtocol

/// The connections at the control socket. Only the supervisor's own user and root get one: SO_PEERCRED in unix(7).
struct ControlClients {
  struct Client {
    let descriptor: FileDescriptor
    var session: ControlSession
    var isHalfClosed = false
  }

  private static let maxClients = 64
  /// What is written at the very end may wait so long for a front end that does not read.
  private static let lastTimeout: Int32 = 500

  private(set) var clients: [Int: Client] = [:]
  private var nextIdentifier = 0

  subscript(_ identifier: Int) -> Client? {
    get { clients[identifier] }
    set { clients[identifier] = newValue }
  }

  var identifiers: [Int] { clients.keys.sorted() }
  var deadline: SuspendingClock.Instant? { clients.values.compactMap(\.session.deadline).min() }

  func gather(into set: inout PollSet<Supervisor.Source>) {
    for (identifier, client) in clients {
      set.add(
        client.descriptor.rawValue, reading: client.session.wantsInput, writing: !client.session.output.isEmpty,
        as: .client(identifier))
    }
  }

  // MARK: Coming

  mutating func add(_ descriptor: FileDescriptor, now: SuspendingClock.Instant) {
    var session = ControlSession(now: now)
    guard Self.isAllowed(descriptor.rawValue) else {
      let failure = WireFailure(.forbidden, "only user \(getuid()) and root may ask this supervisor")
      session.reply(.failure(failure), to: nil)
      _ = NonBlocking.send(descriptor, session.output)
      try? descriptor.close()
      return
    }
    if clients.count >= Self.maxClients { closeIdlest() }
    clients[nextIdentifier] = Client(descriptor: descriptor, session: session)
    nextIdentifier += 1
  }

  private static func isAllowed(_ descriptor: Int32) -> Bool {
    guard let user = PeerCredentials.read(from: descriptor)?.user else { return false }
    return user == getuid() || user == 0
  }

  private mutating func closeIdlest() {
    let idlest = clients.min { $0.value.session.lastActivity < $1.value.session.lastActivity }
    if let idlest { close(idlest.key) }
  }

  // MARK: Talking

  /// Reads what has come. False where the connection is of no use any more.
  mutating func receive(_ identifier: Int, now: SuspendingClock.Instant) -> Bool {
    guard let client = clients[identifier] else { return false }
    guard client.session.wantsInput else {
      // Told of an end without having asked: nobody is left to answer.
      return false
    }
    switch NonBlocking.receive(client.descriptor) {
    case .nothing: break
    case .bytes(let bytes): clients[identifier]?.session.receive(bytes, now: now)
    case .ended: clients[identifier]?.session.endOfInput()
    }
    return true
  }

  mutating func flush(_ identifier: Int) {
    guard let client = clients[identifier] else { return }
    if !client.session.output.isEmpty {
      guard let count = NonBlocking.send(client.descriptor, client.session.output) else { return close(identifier) }
      clients[identifier]?.session.sent(count)
    }
    if clients[identifier]?.session.hasSaidAll == true, !client.isHalfClosed {
      shutdown(client.descriptor.rawValue, Int32(SHUT_WR))
      clients[identifier]?.isHalfClosed = true
    }
  }

  // MARK: Going

  mutating func close(_ identifier: Int) {
    guard let client = clients.removeValue(forKey: identifier) else { return }
    try? client.descriptor.close()
  }

  /// Closes those who are through.
  mutating func tidy(now: SuspendingClock.Instant) {
    for (identifier, client) in clients where client.session.isOver(now: now) { close(identifier) }
  }

  /// The last answers, then the end of all.
  mutating func finish() {
    for identifier in identifiers {
      guard let client = clients[identifier] else { continue }
      var writable = pollfd(fd: client.descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
      if !client.session.output.isEmpty, poll(&writable, 1, Self.lastTimeout) == 1 { flush(identifier) }
      close(identifier)
    }
  }
}
