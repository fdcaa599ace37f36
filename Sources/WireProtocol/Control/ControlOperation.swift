// SPDX-License-Identifier: Apache-2.0

/// The operations that a daemon answers to its front ends.
package enum ControlOperation: String, CaseIterable, Sendable {
  case hello, add, lookup, list, get, remove, status, peers, transfers, connect, doctor
}
