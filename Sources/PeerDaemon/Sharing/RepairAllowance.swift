// SPDX-License-Identifier: Apache-2.0

/// How often a file is hashed again because its hashes were found missing or damaged. What is lost time and again is lost
/// by a device that fails, and hashing would never end.
package struct RepairAllowance: Sendable {
  /// Of one file, while the process lives.
  package static let maxRepairs = 3

  private var repairs: [String: Int] = [:]

  package init() {}

  /// - Returns: whether there may be one more.
  package mutating func take(_ path: String) -> Bool {
    guard repairs[path, default: 0] < Self.maxRepairs else { return false }
    repairs[path, default: 0] += 1
    return true
  }
}
