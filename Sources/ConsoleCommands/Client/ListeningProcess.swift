// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc

/// The process behind a socket, watched until it has ended: also one that is nobody's child here.
package struct ListeningProcess: ~Copyable {
  package let pid: Int32
  private let descriptor: Int32

  /// `nil` where it has ended already or cannot be watched.
  package init?(pid: Int32) {
    descriptor = process_open_pidfd(pid)
    self.pid = pid
    guard descriptor >= 0 else { return nil }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// - Returns: whether it ended within `timeout`.
  package func waitForEnd(timeout: Duration) throws(ControlError) -> Bool {
    try Readiness.wait(for: descriptor, until: .now + timeout)
  }
}
