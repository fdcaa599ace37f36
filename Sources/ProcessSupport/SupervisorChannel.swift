// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
import POSIXSupport
import LineJSON
package import SystemPackage
import Synchronization
package import WireProtocol

/// The child's end of the channel to its supervisor. The child receives its settings and listening sockets on it, reports
/// that it is ready and alive, receives the request to stop, and ends when the supervisor is gone.
///
/// A separate thread reads it, so that it needs no event loop and none can hold it up.
package final class SupervisorChannel: Sendable {
  package typealias Pulse = @Sendable (_ beat: @escaping @Sendable () -> Void) -> Void

  /// The first line from the supervisor.
  package let start: ChannelStart
  /// Open for as long as the process lives.
  private let descriptor: FileDescriptor
  private let incoming: Mutex<LineSplitter>
  private let outgoing = Mutex(Outgoing())

  private init(start: ChannelStart, descriptor: FileDescriptor, incoming: LineSplitter) {
    self.start = start
    self.descriptor = descriptor
    self.incoming = Mutex(incoming)
  }

  // MARK: Opening

  /// The channel that this process inherited; `nil` if it was started by hand.
  ///
  /// Call it once, before other threads exist. It waits for the first line, checks that the descriptors named there are
  /// listening sockets, marks all of them CLOEXEC, and removes the variable from the environment.
  package static func fromEnvironment() throws(ChannelError) -> SupervisorChannel? {
    guard let value = getenv(ChannelProtocol.environmentVariable) else { return nil }
    let text = String(cString: value)
    unsetenv(ChannelProtocol.environmentVariable)
    guard let number = Int32(text), number > 2, InheritedSocket.isSocket(number) else {
      throw .noSocket(variable: text)
    }
    return try take(over: FileDescriptor(rawValue: number))
  }

  /// Reads the first line from a descriptor, which the channel owns from now on.
  package static func take(over descriptor: FileDescriptor) throws(ChannelError) -> SupervisorChannel {
    InheritedSocket.keepFromChildren(descriptor.rawValue)
    var incoming = LineSplitter(maximumLength: ChannelProtocol.maximumLine)
    let line = try firstLine(of: descriptor, into: &incoming)
    let start: ChannelStart
    do {
      start = try ChannelStart(try Jansson.decode(line, maximumLength: ChannelProtocol.maximumLine))
    } catch let refusal as ChannelStart.Refusal {
      throw .refused(refusal)
    } catch {
      throw .refused(.malformed("\(error)"))
    }
    for (name, listener) in start.listeners.all {
      guard InheritedSocket.isListening(listener) else { throw .noListener(name) }
      InheritedSocket.keepFromChildren(listener)
    }
    return SupervisorChannel(start: start, descriptor: descriptor, incoming: incoming)
  }

  /// Waits without a limit: a supervisor that is gone closes the channel.
  private static func firstLine(
    of descriptor: FileDescriptor, into incoming: inout LineSplitter
  ) throws(ChannelError) -> [UInt8] {
    while true {
      do {
        if let line = try incoming.next() { return line }
      } catch {
        throw .refused(.malformed("the line is longer than \(ChannelProtocol.maximumLine) bytes"))
      }
      switch ChannelSocket.receive(from: descriptor, timeout: .seconds(60)) {
      case .bytes(let bytes, let descriptors):
        incoming.append(bytes)
        for descriptor in descriptors { try? descriptor.close() }
      case .nothing: continue
      case .closed: throw .closed
      }
    }
  }

  // MARK: Reports to the supervisor

  /// Reports that the sockets are served.
  package func sendReady(_ addresses: ChannelAddresses) {
    send(.ready(addresses))
  }

  /// Reports why the process is about to end. The message is cut to 4,096 characters.
  package func sendFailed(_ message: String) {
    send(.failed(message: String(message.prefix(4_096))))
  }

  /// Reports the id of this peer, before it connects to its index.
  package func sendIdentity(_ id: PeerID) {
    send(.identity(id))
  }

  private func sendHeartbeat() {
    // A heartbeat behind waiting lines would add nothing.
    outgoing.withLock { queue in
      guard queue.isEmpty else { return queue.flush(to: descriptor) }
      queue.append(Self.heartbeatLine)
      queue.flush(to: descriptor)
    }
  }

  private static let heartbeatLine = (try? Jansson.encodeLine(ChannelEvent.heartbeat.json)) ?? []

  private func send(_ event: ChannelEvent) {
    // Text that contains NUL cannot be written as JSON here; such a message is dropped.
    guard let line = try? Jansson.encodeLine(event.json) else { return }
    outgoing.withLock { queue in
      queue.append(line)
      queue.flush(to: descriptor)
    }
  }

  // MARK: Commands from the supervisor

  /// Starts the thread that reads commands and sends a heartbeat every second. Call it once.
  ///
  /// When the supervisor is gone the process exits with status 69, without clean-up.
  ///
  /// - Parameters:
  ///   - pulse: called every second; it has to call `beat`, which sends the heartbeat. A process with event loops calls it
  ///     there, so that a blocked loop shows. By default it is called directly.
  ///   - onStop: called on the channel's thread, like `onReload`: hand over and return.
  ///   - onReload: receives the settings that apply from now on.
  ///   - onListen: receives a listening socket that replaces the control socket, and owns it.
  ///   - onOwn: receives the ids of the supervisor's peers; it has to call `done`, which acknowledges them.
  ///   - onGo: called when the index of this supervisor knows the id that was reported.
  package func run(
    pulse: @escaping Pulse = { beat in beat() },
    onStop: @escaping @Sendable () -> Void,
    onReload: @escaping @Sendable (ChildSettings) -> Void,
    onListen: @escaping @Sendable (CInt) -> Void = { close($0) },
    onOwn: @escaping @Sendable (_ ids: [PeerID], _ done: @escaping @Sendable () -> Void) -> Void = { $1() },
    onGo: @escaping @Sendable () -> Void = {}
  ) {
    let actions = Actions(
      stop: onStop, reload: onReload, listen: onListen, own: { [self] ids in onOwn(ids) { self.send(.owned) } },
      go: onGo)
    let started = BackgroundThread.start { [self] in
      follow(pulse: pulse, actions)
      _exit(Self.orphanStatus)
    }
    if !started { _exit(Self.orphanStatus) }
  }

  /// EX_UNAVAILABLE of sysexits.h.
  private static let orphanStatus: Int32 = 69

  private struct Actions: Sendable {
    let stop: @Sendable () -> Void
    let reload: @Sendable (ChildSettings) -> Void
    let listen: @Sendable (CInt) -> Void
    let own: @Sendable ([PeerID]) -> Void
    let go: @Sendable () -> Void
  }

  /// Descriptors whose lines have not come yet; more are closed.
  private static let maxPassed = 8

  /// Returns when the supervisor is gone or sends a line that is too long.
  private func follow(pulse: Pulse, _ actions: Actions) {
    var nextBeat = SuspendingClock.now
    var passed: [FileDescriptor] = []
    while true {
      guard takeCommands(actions, &passed) else { return }
      if SuspendingClock.now >= nextBeat {
        pulse { [self] in sendHeartbeat() }
        nextBeat = SuspendingClock.now.advanced(by: .seconds(1))
      }
      outgoing.withLock { $0.flush(to: descriptor) }
      switch ChannelSocket.receive(from: descriptor, timeout: SuspendingClock.now.duration(to: nextBeat)) {
      case .bytes(let bytes, let descriptors):
        incoming.withLock { $0.append(bytes) }
        for descriptor in descriptors {
          if passed.count < Self.maxPassed { passed.append(descriptor) } else { try? descriptor.close() }
        }
      case .nothing: continue
      case .closed: return
      }
    }
  }

  /// False if the stream cannot be followed any further.
  private func takeCommands(_ actions: Actions, _ passed: inout [FileDescriptor]) -> Bool {
    while true {
      let line: [UInt8]?
      do {
        line = try incoming.withLock { incoming throws(LineTooLong) in try incoming.next() }
      } catch {
        return false
      }
      guard let line else { return true }
      switch command(in: line) {
      case .stop: actions.stop()
      case .reload(let settings): actions.reload(settings)
      case .listen: listen(passed.isEmpty ? nil : passed.removeFirst(), actions)
      case .own(let ids): actions.own(ids)
      case .go: actions.go()
      // Later supervisors may send more; the protocol number changes when a child has to understand it.
      case nil: continue
      }
    }
  }

  /// A descriptor that is no listening socket would end the process later.
  private func listen(_ descriptor: FileDescriptor?, _ actions: Actions) {
    guard let descriptor else { return }
    guard InheritedSocket.isListening(descriptor.rawValue) else {
      try? descriptor.close()
      return
    }
    actions.listen(descriptor.rawValue)
  }

  private func command(in line: [UInt8]) -> ChannelCommand? {
    guard let json = try? Jansson.decode(line, maximumLength: ChannelProtocol.maximumLine) else { return nil }
    return try? ChannelCommand(json, role: start.role)
  }
}

/// Why a process cannot use the channel that its environment names. It reports this and exits with status 64.
package enum ChannelError: Error, Equatable {
  /// The environment names no open socket.
  case noSocket(variable: String)
  /// The supervisor ended before it sent the first line.
  case closed
  case refused(ChannelStart.Refusal)
  /// The descriptor passed for this listener is no listening socket.
  case noListener(String)
}

extension ChannelError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noSocket(let variable):
      "\(ChannelProtocol.environmentVariable)=\(variable) names no open socket; unset it to start this program by hand"
    case .closed: "the supervisor closed its channel before it sent the settings"
    case .refused(let refusal): "\(refusal)"
    case .noListener(let name): "the supervisor passed no listening socket for \(name)"
    }
  }
}
