// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport

/// A connected Unix socket. Every wait has a timeout and ends on Ctrl-C.
struct UnixStream: ~Copyable {
  /// 108 bytes with the terminating zero: unix(7).
  let path: String
  /// If its reader goes, each wait ends; -1 for none.
  var output: Int32 = -1
  private let descriptor: Int32

  /// - Parameter timeout: for a daemon whose backlog is full.
  init(connectingTo path: String, timeout: Duration) throws(ControlError) {
    guard let address = try? UnixSocketAddress(path: path) else { throw .pathTooLong(path) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Self.closeOnExec, 0)
    guard descriptor >= 0 else { throw .system(path, call: "socket", errno: errno) }
    // On Unix sockets this also limits connect(2): socket(7). Later waits use poll(2).
    var limit = timeval(timeout)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    do throws(SystemError) {
      try address.connect(descriptor)
    } catch {
      close(descriptor)
      throw Self.error(ofConnecting: path, error.code, timeout: timeout)
    }
    // Before the first byte is sent.
    if let listener = PeerCredentials.read(from: descriptor), !ListenerTrust.isTrusted(listener, at: path) {
      close(descriptor)
      throw .foreignListener(path, user: listener.user)
    }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    self.path = path
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  /// The pid of the other side; `nil` if unknown.
  var peerProcess: pid_t? {
    PeerCredentials.read(from: descriptor).flatMap { $0.process > 0 ? $0.process : nil }
  }

  /// Sends all bytes. A closed peer is not an error here, because it may have sent the reason before.
  func send(_ bytes: [UInt8], timeout: Duration?) throws(ControlError) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        sent += count
      } else if errno == EPIPE || errno == ECONNRESET {
        return
      } else if errno == EAGAIN {
        try wait(for: Int16(POLLOUT), timeout: timeout)
      } else if errno != EINTR {
        throw .system(path, call: "send", errno: errno)
      }
    }
  }

  /// Receives 1 to `maximum` bytes; none at the end of the stream.
  /// - Parameter onQuiet: called after each second in which nothing came.
  func receive(
    _ maximum: Int, timeout: Duration?, onQuiet: () throws(ControlError) -> Void = {}
  ) throws(ControlError) -> [UInt8] {
    while true {
      try wait(for: Int16(POLLIN), timeout: timeout, onQuiet: onQuiet)
      var failure: Int32 = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: maximum) { buffer, count in
        let received = recv(descriptor, buffer.baseAddress, maximum, 0)
        failure = received < 0 ? errno : 0
        count = max(0, received)
      }
      switch failure {
      case 0: return bytes
      case ECONNRESET: return []
      case EAGAIN, EINTR: continue
      default: throw .system(path, call: "recv", errno: failure)
      }
    }
  }

  /// Waits until the socket is ready; `nil` waits indefinitely.
  private func wait(
    for events: Int16, timeout: Duration?, onQuiet: () throws(ControlError) -> Void = {}
  ) throws(ControlError) {
    let deadline = timeout.map { ContinuousClock.now + $0 }
    while true {
      let tick = ContinuousClock.now + .seconds(1)
      if try Readiness.wait(for: descriptor, events: events, until: min(tick, deadline ?? tick), output: output) {
        return
      }
      if let deadline, deadline <= .now { throw .noAnswer(path, seconds: Self.wholeSeconds(timeout ?? .zero)) }
      try onQuiet()
    }
  }

  // MARK: Connecting

  private static var closeOnExec: Int32 { Int32(SOCK_CLOEXEC.rawValue) }

  private static func error(ofConnecting path: String, _ number: Int32, timeout: Duration) -> ControlError {
    switch number {
    case ENOENT, ENOTDIR: .noSocket(path)
    case ECONNREFUSED, ENOTSOCK: .refused(path)
    case EACCES, EPERM: .notPermitted(path)
    case EAGAIN: .noAnswer(path, seconds: wholeSeconds(timeout))
    case EINTR where InterruptSignal.take(): .interrupted
    default: .system(path, call: "connect", errno: number)
    }
  }

  private static func wholeSeconds(_ duration: Duration) -> Int {
    Int(clamping: duration.components.seconds)
  }
}

extension timeval {
  fileprivate init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(tv_sec: Int(clamping: seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
  }
}
