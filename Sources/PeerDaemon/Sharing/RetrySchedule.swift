// SPDX-License-Identifier: Apache-2.0

/// When to look again at files that are being written: after 1 s, doubling to about a minute, a quarter of an hour in all.
package struct RetrySchedule: Sendable {
  package static let first = Duration.seconds(1)
  package static let longest = Duration.seconds(64)
  package static let maxTries = 20

  private var tries: [String: Int] = [:]

  package init() {}

  /// The wait before the next try; `nil` where there were enough, and the count begins anew.
  package mutating func next(_ path: String) -> Duration? {
    let count = tries[path, default: 0]
    guard count < Self.maxTries else {
      tries[path] = nil
      return nil
    }
    tries[path] = count + 1
    var wait = Self.first
    for _ in 0..<count where wait < Self.longest { wait *= 2 }
    return wait
  }

  package mutating func forget(_ path: String) {
    tries[path] = nil
  }
}
