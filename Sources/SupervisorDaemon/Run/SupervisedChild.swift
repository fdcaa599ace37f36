import CProcess
import Glibc
import ProcessSupervision
import SystemPackage
import WireProtocol

/// One child with all that the supervisor holds for it: sockets and log for ever, process, channel and output pipe
/// while it lives. Carries out, decides nothing.
final class SupervisedChild {
  var blueprint: ChildBlueprint
  private(set) var process: ChildProcess?
  private(set) var startTime: Int64 = 0
  private(set) var link: ChildLink?
  /// The reading end of its standard output and error.
  private(set) var output: FileDescriptor?
  private var log: RotatingLog
  /// Why it is not there, or last ended: a sentence.
  var reason: String?
  /// What it said was the matter with it, before it ended.
  var failure: String?

  /// How much of its last output is kept when it has ended.
  private static let lastOutputLimit = 1 << 20
  /// How much is taken in one turn, lest one child's output hold up the others.
  private static let turnLimit = 262_144

  init(_ blueprint: ChildBlueprint) {
    self.blueprint = blueprint
    log = RotatingLog(path: blueprint.logPath)
  }

  var pid: Int32? { process?.pid }
  var pidfd: Int32? { process?.pidfd.rawValue }
  var channel: Int32? { link?.descriptor.rawValue }
  var channelWantsInput: Bool { link?.wantsInput ?? false }
  var channelWantsOutput: Bool { link?.wantsOutput ?? false }

  // MARK: Life

  /// Starts a process. What fails leaves nothing behind.
  func spawn(limits: [ProcessSpecification.Limit]) throws(SpawnFailure) {
    let ends = try SpawnEnds()
    let specification = blueprint.specification(
      input: ends.null.rawValue, output: ends.outputWriter.rawValue, channel: ends.channelChild.rawValue,
      limits: limits, deathSignal: SIGKILL)
    let started: ChildProcess
    do throws(SpawnError) {
      started = try ChildProcess(specification)
    } catch {
      ends.closeAll()
      throw SpawnFailure(description: "\(error)")
    }
    ends.closeChildEnds()
    startTime = ProcessTable.startTime(of: started.pid) ?? 0
    process = consume started
    output = ends.outputReader
    link = ChildLink(descriptor: ends.channelSupervisor)
    link?.send(blueprint.start.json)
  }

  func tell(_ command: ChannelCommand) {
    link?.send(command.json)
  }

  func signal(_ number: Int32) {
    process?.signal(number)
  }

  /// How it ended, if it has; everything of the process is then gone but its log.
  func reap() -> Termination? {
    guard let termination = process?.reap() else { return nil }
    drainLastOutput()
    try? output?.close()
    output = nil
    link = nil
    process = nil
    return termination
  }

  /// Whoever has moved its log away gets a new one.
  func reopenLog() {
    log.close()
  }

  // MARK: What it says

  func receive() -> [ChannelEvent] {
    link?.receive() ?? []
  }

  func flushChannel() {
    link?.flush()
  }

  /// Moves what it has written into its log.
  func takeOutput() {
    guard copyOutput(atMost: Self.turnLimit) else {
      try? output?.close()
      output = nil
      return
    }
  }

  /// A grandchild may hold the pipe open for ever: what is there is taken, the end is not waited for.
  private func drainLastOutput() {
    _ = copyOutput(atMost: Self.lastOutputLimit)
  }

  private func copyOutput(atMost limit: Int) -> Bool {
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

/// Why a child was not started: a sentence part.
struct SpawnFailure: Error, CustomStringConvertible {
  let description: String
}

/// The descriptors of one start, before they find their owners.
private struct SpawnEnds {
  let null: FileDescriptor
  let outputReader: FileDescriptor
  let outputWriter: FileDescriptor
  let channelSupervisor: FileDescriptor
  let channelChild: FileDescriptor

  init() throws(SpawnFailure) {
    let number = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw SpawnFailure(description: "/dev/null: \(Errno(rawValue: errno))") }
    let null = FileDescriptor(rawValue: number)
    var reader: Int32 = -1
    var writer: Int32 = -1
    let error = pipe_open(&reader, &writer)
    guard error == 0 else {
      try? null.close()
      throw SpawnFailure(description: "no pipe: \(Errno(rawValue: error))")
    }
    do throws(Errno) {
      (channelSupervisor, channelChild) = try ChildLink.pair()
    } catch {
      for descriptor in [null, FileDescriptor(rawValue: reader), FileDescriptor(rawValue: writer)] {
        try? descriptor.close()
      }
      throw SpawnFailure(description: "no channel: \(error)")
    }
    self.null = null
    outputReader = FileDescriptor(rawValue: reader)
    outputWriter = FileDescriptor(rawValue: writer)
  }

  func closeChildEnds() {
    for descriptor in [null, outputWriter, channelChild] { try? descriptor.close() }
  }

  func closeAll() {
    closeChildEnds()
    for descriptor in [outputReader, channelSupervisor] { try? descriptor.close() }
  }
}
