// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tells work on another thread that nobody wants it any more.
final class StopFlag: Sendable {
  private let flag = Atomic<Bool>(false)

  var isRaised: Bool { flag.load(ordering: .relaxed) }

  func raise() {
    flag.store(true, ordering: .relaxed)
  }
}
