// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import POSIXSupport
import SystemPackage
import WireProtocol

/// The connections at the control socket. Only the supervisor's own user and root are allowed: SO_PEERCRED in unix(7).
struct ControlClients {
  struct Client {
    let descriptor: FileDescriptor
    var session: ControlSession
    var isHalfClosed = false
  }

  private static let maxClients = 64
  /// How long the last answers wait for a front end that does not read, in milliseconds.
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

  // MARK: Opening

  mutating func add(_ descriptor: FileDescriptor, now: SuspendingClock.Instant) {
    var session = ControlSession(now: now)
    guard Self.isAllowed(descriptor.rawValue) else {
      let failure = WireFailure(.forbidden, "only user \(getuid()) and root may use this supervisor")
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

  // MARK: Input and output

  /// Reads input. False if the connection is to be closed.
  mutating func receive(_ identifier: Int, now: SuspendingClock.Instant) -> Bool {
    guard let client = clients[identifier] else { return false }
    guard client.session.wantsInput else {
      // Reported without interest in input: the other end has hung up.
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
    if clients[identifier]?.session.hasWrittenAll == true, !client.isHalfClosed {
      shutdown(client.descriptor.rawValue, Int32(SHUT_WR))
      clients[identifier]?.isHalfClosed = true
    }
  }

  // MARK: Closing

  mutating func close(_ identifier: Int) {
    guard let client = clients.removeValue(forKey: identifier) else { return }
    try? client.descriptor.close()
  }

  /// Closes finished connections.
  mutating func closeExpired(now: SuspendingClock.Instant) {
    for (identifier, client) in clients where client.session.isOver(now: now) { close(identifier) }
  }

  /// Sends the last answers and closes all connections.
  mutating func finish() {
    for identifier in identifiers {
      guard let client = clients[identifier] else { continue }
      var writable = pollfd(fd: client.descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
      if !client.session.output.isEmpty, poll(&writable, 1, Self.lastTimeout) == 1 { flush(identifier) }
      close(identifier)
    }
  }
}
