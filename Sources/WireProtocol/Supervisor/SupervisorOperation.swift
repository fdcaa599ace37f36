// SPDX-License-Identifier: Apache-2.0

/// The operations that a supervisor answers.
package enum SupervisorOperation: String, CaseIterable, Sendable {
  case hello, status, start, stop, restart, reload, wait
}
