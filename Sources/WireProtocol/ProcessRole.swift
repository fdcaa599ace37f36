// SPDX-License-Identifier: Apache-2.0

/// What a supervised process is.
package enum ProcessRole: String, Sendable, Hashable, CaseIterable {
  case index
  case peer
  case supervisor
}
