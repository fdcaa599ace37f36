// SPDX-License-Identifier: Apache-2.0

private import CProcess
package import SystemPackage

/// A process that this one has started and not yet reaped. Its descriptor closes with it.
package struct ChildProcess: ~Copyable {
  package let pid: Int32
  /// Readable from the moment the process has ended: pidfd_open(2).
  package let pidfd: FileDescriptor

  /// Starts a process.
  ///
  /// Call it only from a thread that lives as long as the child shall: the death signal is bound to the thread.
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

  /// Sends a signal to this process and no other. A process that has ended is no error.
  package func signal(_ number: Int32) {
    _ = process_signal_pidfd(pidfd.rawValue, number)
  }

  /// Its end, if that has come; does not wait. After it has been told once, the process is gone.
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
