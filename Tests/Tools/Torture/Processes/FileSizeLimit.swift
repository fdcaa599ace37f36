// SPDX-License-Identifier: Apache-2.0

import Glibc

/// RLIMIT_FSIZE of a process that runs: prlimit(1).
enum FileSizeLimit {
  static let program = "/usr/bin/prlimit"

  /// - Parameter bytes: `nil` lifts it.
  static func set(_ bytes: Int?, of pid: Int32) -> Bool {
    let value = bytes.map(String.init) ?? "unlimited"
    // The soft limit alone, so that it can be lifted again without rights.
    let arguments = [program, "--pid", "\(pid)", "--fsize=\(value):"]
    let argv = arguments.map { strdup($0) } + [nil]
    defer { for pointer in argv { free(pointer) } }
    var child = pid_t()
    guard posix_spawn(&child, program, nil, nil, argv, environ) == 0 else { return false }
    var status: CInt = 0
    return waitpid(child, &status, 0) == child && status == 0
  }
}
