// SPDX-License-Identifier: Apache-2.0

import CProcess
import Dispatch
import DocumentModel
import Glibc
import Synchronization

/// A proxy between peers and index and between peers, which can reset, stall and corrupt connections.
///
/// Peers use its address as that of the index. It replaces the port in their `hello` with one of its own, so that other
/// peers connect through it too.
final class Proxy: Sendable {
  private struct Orders {
    var index: Endpoint?
    var stalled: Set<Route> = []
    var resets: Set<Route> = []
    var corruptions = 0
    /// The upload port of a peer by our port for it.
    var ports: [UInt16: UInt16] = [:]
    var hasEnded = false
  }

  /// The address of the index for peers.
  let endpoint: Endpoint
  private let orders = Mutex(Orders())

  init() throws {
    let (descriptor, port) = try LoopbackSocket.listen()
    endpoint = Endpoint(host: "127.0.0.1", port: port)
    let queue = DispatchQueue(label: "proxy", qos: .userInitiated)
    queue.async { [self] in ProxyLoop(proxy: self, listener: descriptor).run() }
  }

  // MARK: Orders

  func setIndex(_ endpoint: Endpoint) { orders.withLock { $0.index = endpoint } }

  func stall(_ route: Route) { orders.withLock { _ = $0.stalled.insert(route) } }

  func resume(_ route: Route) { orders.withLock { _ = $0.stalled.remove(route) } }

  func reset(_ route: Route) { orders.withLock { _ = $0.resets.insert(route) } }

  /// Changes one byte of the next large answer of a peer.
  func corrupt() { orders.withLock { $0.corruptions += 1 } }

  /// Drops pending corruptions.
  func cancelCorruptions() { orders.withLock { $0.corruptions = 0 } }

  func end() { orders.withLock { $0.hasEnded = true } }

  /// The upload port of the peer behind a port of the proxy.
  func peerPort(behind port: UInt16) -> UInt16? { orders.withLock { $0.ports[port] } }

  // MARK: For the loop

  fileprivate struct Round {
    let index: Endpoint?
    let stalled: Set<Route>
    let resets: Set<Route>
    let hasEnded: Bool
  }

  fileprivate func nextRound() -> Round {
    orders.withLock { orders in
      defer { orders.resets = [] }
      return Round(
        index: orders.index, stalled: orders.stalled, resets: orders.resets, hasEnded: orders.hasEnded)
    }
  }

  fileprivate func takeCorruption() -> Bool {
    orders.withLock { orders in
      guard orders.corruptions > 0 else { return false }
      orders.corruptions -= 1
      return true
    }
  }

  fileprivate func note(_ port: UInt16, for peer: UInt16) { orders.withLock { $0.ports[port] = peer } }
}

/// The thread that moves all bytes.
private final class ProxyLoop {
  private static let tick: CInt = 20
  private static let maxRelays = 1_000
  /// Smaller reads may be lines; only bodies are corrupted.
  private static let smallestCorrupted = 16_384

  private struct Listener {
    let descriptor: CInt
    let route: Route
    /// `nil` for the index: its port may change.
    let target: UInt16?
  }

  private let proxy: Proxy
  private var listeners: [Listener]
  private var relays: [Relay] = []
  /// Our port for each upload port of a peer.
  private var portsByPeer: [UInt16: UInt16] = [:]

  init(proxy: Proxy, listener: CInt) {
    self.proxy = proxy
    listeners = [Listener(descriptor: listener, route: .index, target: nil)]
  }

  func run() {
    defer { for listener in listeners { close(listener.descriptor) } }
    while true {
      let round = proxy.nextRound()
      if round.hasEnded { return }
      for relay in relays where round.resets.contains(relay.route) { relay.reset() }
      relays.removeAll { $0.hasEnded }
      turn(round)
    }
  }

  private func turn(_ round: Proxy.Round) {
    let active = listeners.filter { !round.stalled.contains($0.route) && relays.count < Self.maxRelays }
    let moving = relays.filter { !round.stalled.contains($0.route) }
    var polls = active.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    for relay in moving {
      polls.append(Self.watch(relay.client, relay.clientEvents))
      polls.append(Self.watch(relay.server, relay.serverEvents))
    }
    guard poll(&polls, nfds_t(polls.count), Self.tick) > 0 else { return }
    for (relay, place) in zip(moving, stride(from: active.count, to: polls.count, by: 2)) {
      let ready = (polls[place].revents, polls[place + 1].revents)
      guard ready.0 != 0 || ready.1 != 0 else { continue }
      relay.move(ready.0, ready.1) { if relay.route == .uploads { corrupt(&$0) } }
    }
    for (listener, ready) in zip(active, polls) where ready.revents != 0 { accept(listener, round) }
  }

  /// A descriptor without events is left out: poll(2) would report a hang-up on every call.
  private static func watch(_ descriptor: CInt, _ events: Int16) -> pollfd {
    pollfd(fd: events == 0 ? -1 : descriptor, events: events, revents: 0)
  }

  private func corrupt(_ bytes: inout [UInt8]) {
    guard bytes.count >= Self.smallestCorrupted, proxy.takeCorruption() else { return }
    bytes[bytes.count / 2] ^= 0x20
  }

  private func accept(_ listener: Listener, _ round: Proxy.Round) {
    let client = socket_accept(listener.descriptor)
    guard client >= 0 else { return }
    let port = listener.target ?? round.index?.port ?? 0
    guard let server = LoopbackSocket.connect(port) else {
      close(client)
      return
    }
    LoopbackSocket.disableDelay(client)
    relays.append(
      Relay(route: listener.route, client: client, server: server) { [unowned self] in proxyPort(for: $0) })
  }

  /// The port of the proxy for an upload port.
  private func proxyPort(for peer: UInt16) -> UInt16? {
    if let port = portsByPeer[peer] { return port }
    guard let (descriptor, port) = try? LoopbackSocket.listen() else { return nil }
    listeners.append(Listener(descriptor: descriptor, route: .uploads, target: peer))
    portsByPeer[peer] = port
    proxy.note(port, for: peer)
    return port
  }
}
