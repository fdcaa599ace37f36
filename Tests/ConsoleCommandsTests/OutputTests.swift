// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import Glibc
import TestSupport
import Testing

/// Text on real descriptors.
@Suite struct DescriptorOutputTests {
  private func withPipe(_ body: (_ reader: Int32, _ writer: Int32) throws -> Void) throws {
    var ends: [Int32] = [-1, -1]
    #expect(pipe2(&ends) == 0)
    defer { for end in ends { close(end) } }
    try body(ends[0], ends[1])
  }

  /// A pipe whose both ends do not block.
  private func pipe2(_ ends: inout [Int32]) -> Int32 {
    let result = pipe(&ends)
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    return result
  }

  private func available(_ reader: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 1 << 17)
    let count = read(reader, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  @Test func `unbuffered text is written immediately`() throws {
    try withPipe { reader, writer in
      let output = DescriptorOutput(writer, isBuffered: false)
      try output.write("日本")
      #expect(available(reader) == "日本")
    }
  }

  @Test func `buffered text is written by flush or when the buffer is full`() throws {
    try withPipe { reader, writer in
      let output = DescriptorOutput(writer, isBuffered: true)
      try output.write("one\n")
      #expect(available(reader).isEmpty)
      try output.flush()
      #expect(available(reader) == "one\n")
      try output.flush()
      #expect(available(reader).isEmpty)
      try output.write(String(repeating: "x", count: 32_768))
      #expect(available(reader).count == 32_768)
    }
  }

  /// Progress is drawn after a flush whose error nobody sees.
  @Test func `failed write is reported by every later one`() throws {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    close(ends[0])
    defer { close(ends[1]) }
    let output = DescriptorOutput(ends[1], isBuffered: true)
    try output.write("x")
    #expect(throws: OutputError.closed) { try output.flush() }
    #expect(throws: OutputError.closed) { try output.flush() }
  }

  @Test func `closed reader is reported as closed`() throws {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    close(ends[0])
    defer { close(ends[1]) }
    let output = DescriptorOutput(ends[1], isBuffered: false)
    #expect(throws: OutputError.closed) { try output.write("x") }
  }

  @Test func `other errors carry their number`() {
    let output = DescriptorOutput(-1, isBuffered: false)
    #expect(throws: OutputError.system(EBADF)) { try output.write("x") }
    #expect(throws: OutputError.system(EBADF)) { try output.flush() }
  }

  @Test func `full pipe is waited for`() async throws {
    var ends: [Int32] = [-1, -1]
    #expect(pipe2(&ends) == 0)
    defer { for end in ends { close(end) } }
    let (reader, writer) = (ends[0], ends[1])
    let size = 1 << 20
    let read = Task.detached {
      var total = 0
      var bytes = [UInt8](repeating: 0, count: 65_536)
      while total < size, (try? Readiness.wait(for: reader, until: .now + .seconds(60))) == true {
        total += max(0, Glibc.read(reader, &bytes, bytes.count))
      }
      return total
    }
    try DescriptorOutput(writer, isBuffered: true).write(String(repeating: "x", count: size))
    #expect(await read.value == size)
  }
}

/// Ctrl-C, in a process of its own, because the signal's handler belongs to the whole process.
@Suite struct InterruptSignalTests {
  /// Worker threads block all signals, and the parent of the tests may ignore this one.
  private static func restoreInterrupts() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    signal(SIGINT, SIG_DFL)
  }

  @Test func `wait ends on Ctrl-C`() async {
    await #expect(processExitsWith: .success) {
      Self.restoreInterrupts()
      InterruptSignal.watch()
      InterruptSignal.watch()
      raise(SIGINT)
      #expect(throws: ControlError.interrupted) {
        try Readiness.wait(for: -1, until: .now + .seconds(10))
      }
      #expect(InterruptSignal.take() == false)
      raise(SIGINT)
      #expect(InterruptSignal.take())
    }
  }

  @Test func `second Ctrl-C ends the process`() async {
    await #expect(processExitsWith: .signal(SIGINT)) {
      Self.restoreInterrupts()
      InterruptSignal.watch()
      raise(SIGINT)
      raise(SIGINT)
    }
  }

  @Test func `ignored signal stays ignored`() async {
    await #expect(processExitsWith: .success) {
      Self.restoreInterrupts()
      signal(SIGINT, SIG_IGN)
      InterruptSignal.watch()
      raise(SIGINT)
      #expect(InterruptSignal.take() == false)
    }
  }

  @Test func `nothing is pending before the handler is installed`() async {
    await #expect(processExitsWith: .success) {
      #expect(InterruptSignal.descriptor == -1)
      #expect(InterruptSignal.take() == false)
    }
  }
}
