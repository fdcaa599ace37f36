// SPDX-License-Identifier: Apache-2.0

import CEpoll
import DocumentModel
import Glibc

/// A closed loop: `connections` connections with `depth` requests in flight each, driven by one thread.
struct Load {
  struct Outcome {
    /// Requests answered per second.
    let rate: Double
    /// Processor time of the server, in seconds per million requests.
    let processorTime: Double
  }

  /// Silence after which the server counts as broken.
  private static let timeoutMilliseconds: CInt = 10_000
  private static let bufferSize = 256 << 10

  let server: Endpoint
  /// The process whose processor time is measured.
  let serverProcess: Int32
  var connections = 50
  let depth: Int
  let duration: Duration

  func run(_ request: LoadRequest) throws -> Outcome {
    let sources = try (0..<connections).map { _ in
      try LoadConnection(to: server, request: request, depth: depth)
    }
    let before = try ProcessorTime.of(serverProcess)
    let start = ContinuousClock.now
    let answered = try exchange(sources, until: start + duration)
    let elapsed = ContinuousClock.now - start
    let used = try ProcessorTime.of(serverProcess) - before
    return Outcome(rate: Double(answered) / elapsed.inSeconds, processorTime: used / Double(answered) * 1e6)
  }

  /// Waits for the requests in flight at the deadline.
  /// - Returns: the number of requests answered.
  private func exchange(_ sources: [LoadConnection], until deadline: ContinuousClock.Instant) throws -> Int {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 64)
    defer { buffer.deallocate() }
    // What it costs to wait must not depend on the number of connections: it is taken from the server's share of the machine.
    let queue = epoll_create1(0)
    guard queue >= 0 else { throw BenchFailure.system("epoll_create1") }
    defer { close(queue) }
    for (number, source) in sources.enumerated() {
      var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: UInt64(number)))
      guard epoll_ctl(queue, EPOLL_CTL_ADD, source.descriptor, &event) == 0 else {
        throw BenchFailure.system("epoll_ctl")
      }
    }
    for source in sources { try source.sendBatch() }
    var ready = [epoll_event](repeating: epoll_event(), count: sources.count)
    var (answered, busy, isOver) = (0, sources.count, false)
    while busy > 0 {
      let count = epoll_wait(queue, &ready, CInt(ready.count), Self.timeoutMilliseconds)
      guard count > 0 else { throw BenchFailure("a server under load stopped answering") }
      isOver = isOver || ContinuousClock.now >= deadline
      for event in ready.prefix(Int(count)) {
        let source = sources[Int(event.data.u64)]
        guard try source.receive(into: buffer) else { continue }
        answered += depth
        if isOver { busy -= 1 } else { try source.sendBatch() }
      }
    }
    return answered
  }
}

extension Duration {
  var inSeconds: Double { self / .seconds(1) }
  var inMilliseconds: Double { self / .milliseconds(1) }
}
