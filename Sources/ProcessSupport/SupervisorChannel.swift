// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import LineJSON
package import SystemPackage
import Synchronization
package import WireProtocol

/// A child's end of the channel to its supervisor: it got its settings and listening sockets here, says that it is
/// ready and alive, hears when it shall stop, and ends when the supervisor is gone.
///
/// Reading happens on one thread of its own, so that no event loop is needed and none can hold it up.
package final class SupervisorChannel: Sendable {
  package typealias Pulse = @Sendable (_ beat: @escaping @Sendable () -> Void) -> Void

  /// What the supervisor said first.
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

  // MARK: Taking it over

  /// The channel that this process has inherited; `nil` where it was started by hand.
  ///
  /// Call it once, before any thread is started: it waits for the first line, checks that the listening sockets are what
  /// they are said to be, keeps all of them from children of this process, and removes the variable from the environment.
  package static func fromEnvironment() throws(ChannelError) -> SupervisorChannel? {
    guard let value = getenv(ChannelProtocol.environmentVariable) else { return nil }
    let text = String(cString: value)
    unsetenv(ChannelProtocol.environmentVariable)
    guard let number = Int32(text), number > 2, InheritedSocket.isSocket(number) else {
      throw .noSocket(variable: text)
    }
    return try take(over: FileDescriptor(rawValue: number))
  }

  /// Reads the first line from a descriptor that this channel owns from now on.
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
      switch ChannelSocket.receive(from: descriptor, waitingAtMost: .seconds(60)) {
      case .bytes(let bytes): incoming.append(bytes)
      case .nothing: continue
      case .closed: throw .closed
      }
    }
  }

  // MARK: Speaking

  /// Says that the sockets are served.
  package func sendReady(_ addresses: ChannelAddresses) {
    send(.ready(addresses))
  }

  /// Says why the process is about to end.
  package func sendFailed(_ message: String) {
    send(.failed(message: String(message.prefix(4_096))))
  }

  private func sendHeartbeat() {
    // Heartbeats that wait behind others say nothing new.
    outgoing.withLock { queue in
      guard queue.isEmpty else { return queue.flush(to: descriptor) }
      queue.append(Self.heartbeatLine)
      queue.flush(to: descriptor)
    }
  }

  private static let heartbeatLine = (try? Jansson.encodeLine(ChannelEvent.heartbeat.json)) ?? []

  private func send(_ event: ChannelEvent) {
    // A text with a NUL has no form in JSON; such a message is not worth a crash.
    guard let line = try? Jansson.encodeLine(event.json) else { return }
    outgoing.withLock { queue in
      queue.append(line)
      queue.flush(to: descriptor)
    }
  }

  // MARK: Listening

  /// Starts the thread that listens to the supervisor and sends a heartbeat every second. Call it once.
  ///
  /// When the supervisor is gone the process ends at once, without clean-up, with status 69.
  ///
  /// - Parameters:
  ///   - pulse: is asked every second to call `beat`, which sends the heartbeat. A process with an event loop calls it
  ///     there, so that a loop that hangs is noticed. By default it is called at once.
  ///   - onReload: gets the settings that hold from now on. Both closures run on the channel's thread: hand over and
  ///     return.
  package func run(
    pulse: @escaping Pulse = { beat in beat() },
    onStop: @escaping @Sendable () -> Void,
    onReload: @escaping @Sendable (ChildSettings) -> Void
  ) {
    let started = BackgroundThread.start { [self] in
      listen(pulse: pulse, onStop: onStop, onReload: onReload)
      _exit(Self.orphanStatus)
    }
    if !started { _exit(Self.orphanStatus) }
  }

  /// EX_UNAVAILABLE of sysexits.h.
  private static let orphanStatus: Int32 = 69

  /// Returns when the supervisor is gone or talks nonsense.
  private func listen(
    pulse: Pulse, onStop: @Sendable () -> Void, onReload: @Sendable (ChildSettings) -> Void
  ) {
    var nextBeat = SuspendingClock.now
    while true {
      guard takeCommands(onStop: onStop, onReload: onReload) else { return }
      if SuspendingClock.now >= nextBeat {
        pulse { [self] in sendHeartbeat() }
        nextBeat = SuspendingClock.now.advanced(by: .seconds(1))
      }
      outgoing.withLock { $0.flush(to: descriptor) }
      switch ChannelSocket.receive(from: descriptor, waitingAtMost: SuspendingClock.now.duration(to: nextBeat)) {
      case .bytes(let bytes): incoming.withLock { $0.append(bytes) }
      case .nothing: continue
      case .closed: return
      }
    }
  }

  /// False where the stream cannot be followed any more.
  private func takeCommands(onStop: @Sendable () -> Void, onReload: @Sendable (ChildSettings) -> Void) -> Bool {
    while true {
      let line: [UInt8]?
      do {
        line = try incoming.withLock { incoming throws(LineTooLong) in try incoming.next() }
      } catch {
        return false
      }
      guard let line else { return true }
      switch command(in: line) {
      case .stop: onStop()
      case .reload(let settings): onReload(settings)
      // A later supervisor may say more than this child understands; the number of the protocol tells when it must.
      case nil: continue
      }
    }
  }

  private func command(in line: [UInt8]) -> ChannelCommand? {
    guard let json = try? Jansson.decode(line, maximumLength: ChannelProtocol.maximumLine) else { return nil }
    return try? ChannelCommand(json, role: start.role)
  }
}
