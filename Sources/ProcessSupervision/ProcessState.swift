// SPDX-License-Identifier: Apache-2.0

/// The words in which the state of a supervised process is told.
package enum ProcessState: String, Sendable, Hashable, CaseIterable {
  case starting
  case ready
  case stopping
  case backingOff = "backing-off"
  case parked
  case stopped
}
