// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What a process has cost so far.
enum ProcessorTime {
  /// User and system time of all its threads, in seconds, with the resolution of the scheduler: clock_getcpuclockid(3).
  static func of(_ pid: Int32) throws -> Double {
    var clock = clockid_t()
    var time = timespec()
    guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else {
      throw BenchFailure("process \(pid) has gone")
    }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  static func of(_ usage: rusage) -> Double {
    let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(microseconds) / 1e6
  }
}
