// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc

/// What a process that serves many connections asks of the system.
package enum ProcessResources {
  /// A write that cannot be is an error where it is made, not the end of the process: to a closed connection (SIGPIPE),
  /// or beyond the size that a file of this process may have (SIGXFSZ, RLIMIT_FSIZE in getrlimit(2)).
  package static func ignoreWriteSignals() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Finds hosts by /etc/hosts and DNS alone: what else a system may be told to ask is a plug-in of its C library, which
  /// an executable without shared libraries cannot load.
  package static func resolveWithoutPlugins() {
    nss_files_and_dns_only()
  }

  /// Has all threads share two arenas of malloc(3). By itself it gives each thread its own, up to eight for each processor,
  /// and what one has freed no other uses: a process whose work wanders over its threads keeps the largest need of each.
  ///
  /// Call it before there are threads.
  package static func shareMemoryArenas() {
    _ = memory_arenas(2)
  }

  /// As many descriptors as the system allows (getrlimit(2)); returns how many that are.
  package static func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    let soft = limit.rlim_cur
    limit.rlim_cur = limit.rlim_max
    guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Int(clamping: soft) }
    return Int(clamping: limit.rlim_cur)
  }
}
