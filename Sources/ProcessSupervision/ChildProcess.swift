// SPDX-License-Identifier: Apache-2.0

private import CProcess
package import SystemPackage

/// A process started by this one and not yet reaped. Its descriptor closes with this value.
package struct ChildProcess: ~Copyable {
  package let pid: Int32
  /// Readable once the process has ended: pidfd_open(2).
  package let pidfd: FileDescriptor

  /// Starts a process.
  ///
  /// Call it only from a thread that outlives the child: the death signal is bound to the thread.
  package init(_ specification: ProcessSpecification) throws(SpawnError) {
    var started = process_started()
    let error = specification.withCStructure { process_spawn(&$0, &started) }
    guard error == 0 else {
      throw SpawnError(
        executable: specification.executable, stage: SpawnError.Stage(started.stage), errno: Errno(rawValue: error))
    }
    pid = started.pid
    pidfd = FileDescriptor(rawValue: started.pidfd)
  }

  deinit {
    try? pidfd.close()
  }

  /// Sends a signal to this process, never to a later one with the same pid. No effect if it has ended.
  package func signal(_ number: Int32) {
    _ = process_signal_pidfd(pidfd.rawValue, number)
  }

  /// How it ended; `nil` if it still runs. Does not wait. Call it no more after it has returned a value.
  package func reap() -> Termination? {
    var result = process_exit()
    let error = process_reap(pid, &result)
    guard error == 0 else {
      return error == Errno.noChildProcess.rawValue ? .unknown : nil
    }
    guard result.ended else { return nil }
    return result.signaled ? .signaled(result.value) : .exited(result.value)
  }
}

/// Processes whose parents have ended become children of process 1, the first one of a container. Only it can reap them.
package enum Orphans {
  /// Reaps those that have ended.
  ///
  /// - Parameter isOwn: whether a process was started by this one; it stays.
  /// - Returns: false if an own process hides others: call it again once that is reaped.
  package static func reap(except isOwn: (Int32) -> Bool) -> Bool {
    while true {
      let pid = process_next_ended()
      guard pid > 0 else { return true }
      guard !isOwn(pid) else { return false }
      var result = process_exit()
      guard process_reap(pid, &result) == 0 else { return true }
    }
  }
}

extension SpawnError.Stage {
  fileprivate init(_ stage: process_stage) {
    self =
      switch stage {
      case PROCESS_STAGE_DESCRIPTORS: .descriptors
      case PROCESS_STAGE_SESSION: .session
      case PROCESS_STAGE_LIMITS: .limits
      case PROCESS_STAGE_IDENTITY: .identity
      case PROCESS_STAGE_DEATH_SIGNAL: .deathSignal
      case PROCESS_STAGE_DIRECTORY: .directory
      case PROCESS_STAGE_EXECUTE: .execution
      case PROCESS_STAGE_PIDFD: .descriptor
      default: .creation
      }
  }
}

/// Why a process was not started.
package struct SpawnError: Error, Equatable {
  /// The step that failed.
  package enum Stage: String, Sendable {
    case creation = "create a process"
    case descriptors = "pass descriptors on"
    case session = "lead a session"
    case limits = "set resource limits"
    case identity = "change user"
    case deathSignal = "set its parent death signal"
    case directory = "enter its directory"
    case execution = "execute"
    case descriptor = "watch the process"
  }

  package let executable: String
  package let stage: Stage
  package let errno: Errno

  package init(executable: String, stage: Stage, errno: Errno) {
    self.executable = executable
    self.stage = stage
    self.errno = errno
  }

  /// Whether the system lacked processes, memory or descriptors, or the program was just being written.
  package var isTemporary: Bool {
    switch errno {
    case .resourceTemporarilyUnavailable, .noMemory, .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace,
      .textFileBusy:
      true
    default: false
    }
  }
}

extension SpawnError: CustomStringConvertible {
  /// Part of a sentence: "cannot execute /usr/bin/true: No such file or directory".
  package var description: String {
    stage == .execution
      ? "cannot \(stage.rawValue) \(executable): \(errno)" : "\(executable): cannot \(stage.rawValue): \(errno)"
  }
}

/// How a process ended: wait(2).
package enum Termination: Sendable, Hashable {
  /// On its own, with a status of 0…255.
  case exited(Int32)
  /// By a signal.
  case signaled(Int32)
  /// Its status was taken by other code in this process.
  case unknown
  /// It was not started, for this reason. `isTemporary` if the system only lacks something for the moment.
  case notStarted(String, isTemporary: Bool)
}

extension Termination: CustomStringConvertible {
  /// Part of a sentence: "exited with status 1".
  package var description: String {
    switch self {
    case .exited(let status): "exited with status \(status)"
    case .signaled(let signal): "was ended by signal \(signal)"
    case .unknown: "ended with an unknown status"
    case .notStarted(let reason, _): "was not started: \(reason)"
    }
  }
}
