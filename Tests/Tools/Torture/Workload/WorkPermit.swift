// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether workers may begin another operation.
final class WorkPermit: Sendable {
  private let isValid = Atomic(true)

  var isWithdrawn: Bool { !isValid.load(ordering: .relaxed) }

  func withdraw() { isValid.store(false, ordering: .relaxed) }
}
