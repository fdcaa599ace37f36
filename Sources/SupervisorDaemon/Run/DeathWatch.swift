// SPDX-License-Identifier: Apache-2.0

import CProcess
import SystemPackage

/// Tells that a process has begun to end, long before its pidfd does: the system first takes apart all that the process
/// held, memory and connections, in the thread that ends last, and the others are gone at once. Two are watched, since one
/// of them may be the last; not the first, whose end newer systems tell only with the last one's. Needs Linux 6.9.
struct DeathWatch: ~Copyable {
  let descriptors: [FileDescriptor]

  /// `nil` where the system cannot watch threads.
  init?(_ pid: Int32) {
    // What began early lasts.
    descriptors = ProcessTable.threads(of: pid).filter { $0 != pid }.sorted().prefix(2).compactMap { thread in
      let number = process_open_thread_pidfd(thread)
      return number < 0 ? nil : FileDescriptor(rawValue: number)
    }
    if descriptors.isEmpty { return nil }
  }

  deinit {
    for descriptor in descriptors { try? descriptor.close() }
  }
}
