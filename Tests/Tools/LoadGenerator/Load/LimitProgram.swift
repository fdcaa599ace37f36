// SPDX-License-Identifier: Apache-2.0

import Crypto
import Dispatch
import Glibc
import Synchronization

/// The least that a verified download has to do: one thread receives a file over loopback and writes it, a second hashes it.
/// A third stands for the source and sends the file from the page cache.
final class LimitProgram: Sendable {
  private static let bufferSize = 256 << 10
  private static let bufferCount = 16

  /// A ring of buffers; one of length 0 ends it.
  private nonisolated(unsafe) let buffers: [UnsafeMutableRawBufferPointer]
  private let lengths = Mutex([Int](repeating: 0, count: bufferCount))
  private let empty = DispatchSemaphore(value: bufferCount)
  private let full = DispatchSemaphore(value: 0)
  private let hashingTime = Mutex(0.0)

  private init() {
    buffers = (0..<Self.bufferCount).map { _ in .allocate(byteCount: Self.bufferSize, alignment: 4096) }
  }

  deinit {
    for buffer in buffers { buffer.deallocate() }
  }

  /// - Parameter isDurable: whether the copy is synced in the end, as a download of this project is.
  /// - Returns: the time from connecting until all is hashed and written, and the processor time of both threads in
  ///   seconds.
  static func run(
    from source: String, to target: String, isDurable: Bool
  ) throws -> (elapsed: Duration, processorTime: Double) {
    let file = open(source, O_RDONLY | O_CLOEXEC)
    let copy = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0, copy >= 0 else { throw BenchFailure.system("\(source), \(target)") }
    let listener = try IPv4Socket.listen("127.0.0.1")
    defer { for descriptor in [file, copy, listener] { close(descriptor) } }
    let sender = DispatchGroup()
    DispatchQueue.global().async(group: sender) { send(file, to: listener) }
    let (start, used) = (ContinuousClock.now, threadTime())
    let connection = try IPv4Socket.connect("127.0.0.1", port: IPv4Socket.port(of: listener))
    let program = LimitProgram()
    let hasher = DispatchGroup()
    DispatchQueue.global().async(group: hasher) { program.hash() }
    let received = Result { try program.receive(from: connection, to: copy) }
    if isDurable { fdatasync(copy) }
    hasher.wait()
    let elapsed = ContinuousClock.now - start
    close(connection)
    sender.wait()
    try received.get()
    return (elapsed, threadTime() - used + program.hashingTime.withLock { $0 })
  }

  private static func send(_ file: CInt, to listener: CInt) {
    let connection = accept(listener, nil, nil)
    while sendfile(connection, file, nil, 1 << 30) > 0 {}
    close(connection)
  }

  private func receive(from connection: CInt, to copy: CInt) throws {
    var position = 0
    defer { pass(position, 0) }
    while true {
      empty.wait()
      let buffer = buffers[position]
      let count = recv(connection, buffer.baseAddress, buffer.count, CInt(MSG_WAITALL))
      guard count > 0 else {
        empty.signal()
        return
      }
      pass(position, count)
      guard write(copy, buffer.baseAddress, count) == count else {
        throw BenchFailure.system("write of the limit program")
      }
      position = (position + 1) % Self.bufferCount
    }
  }

  private func pass(_ position: Int, _ length: Int) {
    lengths.withLock { $0[position] = length }
    full.signal()
  }

  private func hash() {
    let start = Self.threadTime()
    var hasher = SHA256()
    var position = 0
    while true {
      full.wait()
      let length = lengths.withLock { $0[position] }
      guard length > 0 else { break }
      hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffers[position][..<length]))
      empty.signal()
      position = (position + 1) % Self.bufferCount
    }
    _ = hasher.finalize()
    hashingTime.withLock { $0 = Self.threadTime() - start }
  }

  /// Processor time of the calling thread in seconds.
  private static func threadTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
