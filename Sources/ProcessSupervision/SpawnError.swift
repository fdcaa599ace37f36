// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// Why a process could not be started.
package struct SpawnError: Error, Equatable {
  /// What was being done.
  package enum Stage: String, Sendable {
    case creation = "create a process"
    case descriptors = "pass descriptors on"
    case session = "lead a session"
    case limits = "set resource limits"
    case identity = "change user"
    case deathSignal = "tie its life to its parent"
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
}

extension SpawnError: CustomStringConvertible {
  /// A sentence part: "cannot execute /usr/bin/true: No such file or directory".
  package var description: String {
    stage == .execution
      ? "cannot \(stage.rawValue) \(executable): \(errno)" : "\(executable): cannot \(stage.rawValue): \(errno)"
  }
}
