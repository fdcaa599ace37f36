// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
package import SystemPackage

/// The descriptors that one turn of the loop waits for: poll(2).
struct PollSet<Source> {
  /// A source that poll(2) reports.
  struct Event {
    let source: Source
    /// Bytes, a connection, an end of file or an error: reading does not block.
    let isReadable: Bool
    let isWritable: Bool
  }

  /// In microseconds.
  private static var pauseAfterFailure: UInt32 { 100_000 }

  private var descriptors: [pollfd] = []
  private var sources: [Source] = []

  /// A source added with neither reading nor writing is still reported when its other end hangs up.
  mutating func add(_ descriptor: Int32, reading: Bool = true, writing: Bool = false, as source: Source) {
    let events = (reading ? POLLIN : 0) | (writing ? POLLOUT : 0)
    descriptors.append(pollfd(fd: descriptor, events: Int16(events), revents: 0))
    sources.append(source)
  }

  /// - Parameter timeout: in milliseconds; −1 waits without a limit.
  mutating func wait(timeout: Int32) -> [Event] {
    let count = poll(&descriptors, nfds_t(descriptors.count), timeout)
    // More descriptors than the limit, after that was lowered, or no memory: a loop without a wait would use a whole
    // processor.
    if count < 0, errno != EINTR { usleep(Self.pauseAfterFailure) }
    guard count > 0 else { return [] }
    return zip(descriptors, sources).compactMap { descriptor, source in
      let found = Int32(descriptor.revents)
      guard found != 0 else { return nil }
      let readable = found & (POLLIN | POLLHUP | POLLERR | POLLNVAL) != 0
      return Event(source: source, isReadable: readable, isWritable: found & POLLOUT != 0)
    }
  }
}

/// Accepts connections for the poll loop. When the process or the machine has no descriptors or memory left, it pauses:
/// the connection stays in the queue, so poll(2) would report the listener as readable again and again.
package struct Acceptor: Sendable {
  package typealias Instant = SuspendingClock.Instant

  /// Long enough to cost nothing, short enough to go unnoticed once descriptors are free again.
  package static let pause = Duration.milliseconds(250)
  private static let acceptsPerTurn = 16

  private var pausedUntil: Instant?

  package init() {}

  /// The end of the current pause, if there is one.
  package func deadline(now: Instant) -> Instant? { pausedUntil.flatMap { now < $0 ? $0 : nil } }

  /// Whether listeners are to be left out of poll(2).
  package func isPaused(now: Instant) -> Bool { deadline(now: now) != nil }

  /// What a failed accept(2) means: see its ERRORS.
  package mutating func failed(_ error: Errno, now: Instant) {
    switch error {
    case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace, .noMemory:
      pausedUntil = now.advanced(by: Self.pause)
    default: break
    }
  }

  /// Accepts like `accept(from:now:_:)`; if there is no free descriptor, with one of the reserve.
  package mutating func accept(
    from listener: FileDescriptor, lending reserve: inout DescriptorReserve, now: Instant,
    _ body: (FileDescriptor) -> Void
  ) {
    accept(from: listener, now: now, body)
    guard isPaused(now: now), reserve.lend() else { return }
    let number = socket_accept(listener.rawValue)
    guard number >= 0 else { return }
    body(FileDescriptor(rawValue: number))
    // More may wait: ask poll(2) again.
    pausedUntil = nil
  }

  /// Takes up to 16 waiting connections, so that one listener does not hold up the loop. They are CLOEXEC and do not block.
  package mutating func accept(from listener: FileDescriptor, now: Instant, _ body: (FileDescriptor) -> Void) {
    guard !isPaused(now: now) else { return }
    for _ in 0..<Self.acceptsPerTurn {
      let number = socket_accept(listener.rawValue)
      guard number >= 0 else { return failed(Errno(rawValue: -number), now: now) }
      body(FileDescriptor(rawValue: number))
    }
  }
}

/// Descriptors held back for front ends and for records, so that `status` and `stop` work when children use up all others.
package struct DescriptorReserve: ~Copyable {
  private static let size = 4

  private var held: [FileDescriptor] = []

  package init() {
    refill()
  }

  deinit {
    for descriptor in held { try? descriptor.close() }
  }

  /// Frees one descriptor for the next call that needs one. False if none is left.
  package mutating func lend() -> Bool {
    guard let descriptor = held.popLast() else { return false }
    try? descriptor.close()
    return true
  }

  /// Takes back what is free again. Call it regularly.
  package mutating func refill() {
    while held.count < Self.size {
      let number = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard number >= 0 else { return }
      held.append(FileDescriptor(rawValue: number))
    }
  }
}
