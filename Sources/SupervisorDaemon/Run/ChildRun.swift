// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import ProcessSupervision
import SystemPackage
import WireProtocol

/// One process of a child, with its channel and the pipe of its output. All are closed with this object.
final class ChildRun {
  private let process: ChildProcess
  /// In clock ticks since boot.
  let startTime: Int64
  private var link: ChildLink
  /// The reading end of its standard output and error; `nil` once all writers have closed it.
  private(set) var output: FileDescriptor?

  /// Bytes of output read after it has ended.
  private static let lastOutputLimit = 1 << 20
  /// Bytes of output read in one turn of the loop, so that one child does not hold up the others.
  private static let turnLimit = 262_144

  /// Starts a process and sends the first line of its channel. A failure leaves nothing behind.
  init(_ blueprint: ChildBlueprint, limits: [ProcessSpecification.Limit]) throws(SpawnFailure) {
    let ends = try SpawnEnds()
    let specification = blueprint.specification(
      input: ends.null.rawValue, output: ends.outputWriter.rawValue, channel: ends.channelChild.rawValue,
      limits: limits, deathSignal: SIGKILL)
    do throws(SpawnError) {
      process = try ChildProcess(specification)
    } catch {
      ends.closeAll()
      throw SpawnFailure(description: "\(error)", isTemporary: error.isTemporary)
    }
    ends.closeChildEnds()
    startTime = ProcessTable.startTime(of: process.pid) ?? 0
    output = ends.outputReader
    link = ChildLink(descriptor: ends.channelSupervisor)
    link.send(blueprint.start.json)
  }

  deinit {
    try? output?.close()
  }

  var pid: Int32 { process.pid }
  var pidfd: Int32 { process.pidfd.rawValue }
  var channel: Int32 { link.descriptor.rawValue }
  var channelWantsInput: Bool { link.wantsInput }
  var channelWantsOutput: Bool { link.wantsOutput }

  func signal(_ number: Int32) {
    process.signal(number)
  }

  /// How it ended, if it has; its last output is then in the log. Call it no more after it has returned a value.
  func reap(into log: inout ChildLog) -> Termination? {
    guard let termination = process.reap() else { return nil }
    // Do not wait for the end of the pipe: a grandchild may hold it open.
    _ = copyOutput(into: &log, atMost: Self.lastOutputLimit)
    return termination
  }

  // MARK: The channel

  func send(_ command: ChannelCommand, passing descriptor: FileDescriptor? = nil) {
    link.send(command.json, passing: descriptor)
  }

  func receive() -> [ChannelEvent] {
    link.receive()
  }

  func flushChannel() {
    link.flush()
  }

  // MARK: Output

  func takeOutput(into log: inout ChildLog) {
    guard !copyOutput(into: &log, atMost: Self.turnLimit) else { return }
    try? output?.close()
    output = nil
  }

  /// False once all writers have closed it.
  private func copyOutput(into log: inout ChildLog, atMost limit: Int) -> Bool {
    guard let output else { return true }
    var rest = limit
    while rest > 0 {
      switch NonBlocking.read(output) {
      case .bytes(let bytes):
        log.write(bytes)
        rest -= bytes.count
      case .nothing: return true
      case .ended: return false
      }
    }
    return true
  }
}

/// Why a child was not started: part of a sentence.
struct SpawnFailure: Error, CustomStringConvertible {
  let description: String
  /// Whether the system only lacks something for the moment.
  let isTemporary: Bool
}

/// The descriptors of one start, before they have owners.
private struct SpawnEnds {
  let null: FileDescriptor
  let outputReader: FileDescriptor
  let outputWriter: FileDescriptor
  let channelSupervisor: FileDescriptor
  let channelChild: FileDescriptor

  init() throws(SpawnFailure) {
    let number = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw Self.failure("/dev/null", errno) }
    let null = FileDescriptor(rawValue: number)
    var reader: Int32 = -1
    var writer: Int32 = -1
    let error = pipe_open(&reader, &writer)
    guard error == 0 else {
      try? null.close()
      throw Self.failure("no pipe", error)
    }
    do throws(Errno) {
      (channelSupervisor, channelChild) = try ChildLink.pair()
    } catch {
      for descriptor in [null, FileDescriptor(rawValue: reader), FileDescriptor(rawValue: writer)] {
        try? descriptor.close()
      }
      throw Self.failure("no channel", error.rawValue)
    }
    self.null = null
    outputReader = FileDescriptor(rawValue: reader)
    outputWriter = FileDescriptor(rawValue: writer)
  }

  private static func failure(_ what: String, _ number: CInt) -> SpawnFailure {
    let error = SpawnError(executable: what, stage: .descriptors, errno: Errno(rawValue: number))
    let hint = error.errno == .tooManyOpenFiles ? " (the limit is set by ulimit -n, or LimitNOFILE= of a unit)" : ""
    return SpawnFailure(description: "\(what): \(error.errno)\(hint)", isTemporary: error.isTemporary)
  }

  func closeChildEnds() {
    for descriptor in [null, outputWriter, channelChild] { try? descriptor.close() }
  }

  func closeAll() {
    closeChildEnds()
    for descriptor in [outputReader, channelSupervisor] { try? descriptor.close() }
  }
}
