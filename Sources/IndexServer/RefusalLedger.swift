// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// Counts what was refused, by limit and by address, and tells the log: the first refusal for a limit at once, the others
/// once a minute together.
package struct RefusalCounts: Sendable {
  /// The most refused addresses that are kept apart.
  private static let maxHosts = 64
  private static let interval = TimeAmount.seconds(60)

  private struct Host {
    var count: Int
    var limit: String
  }

  private var limits: [String: Int] = [:]
  private var hosts: [String: Host] = [:]
  private var notices: [String: (time: NIODeadline, left: Int)] = [:]

  package init() {}

  /// Names of limits are few, and the program's own.
  /// - Returns: a line for the log, if it is time for one.
  package mutating func note(_ limit: String, of host: String?, at now: NIODeadline) -> String? {
    limits[limit, default: 0] += 1
    if let host { note(host, limit) }
    let from = host.map { ", most recently \($0)" } ?? ""
    guard let (time, left) = notices[limit] else {
      notices[limit] = (now, 0)
      return "refused by the limit \(limit)\(from)"
    }
    guard now - time >= Self.interval else {
      notices[limit] = (time, left + 1)
      return nil
    }
    notices[limit] = (now, 0)
    return "refused by the limit \(limit)\(from) (\(left + 1) since the last message)"
  }

  /// The least refused one makes room for a new one, which takes its count over: whoever is refused often cannot be
  /// crowded out (Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data streams").
  private mutating func note(_ host: String, _ limit: String) {
    var count = hosts[host]?.count ?? 0
    if count == 0, hosts.count >= Self.maxHosts, let least = hosts.min(by: { $0.value.count < $1.value.count }) {
      hosts[least.key] = nil
      count = least.value.count
    }
    hosts[host] = Host(count: count + 1, limit: limit)
  }

  /// By limit, in the order of names.
  package var byLimit: [(limit: String, count: Int)] {
    limits.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// The most refused addresses first, each with the limit that refused it last.
  package func byHost(_ number: Int) -> [(host: String, count: Int, limit: String)] {
    hosts.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.prefix(number)
      .map { ($0.key, $0.value.count, $0.value.limit) }
  }
}

/// The refusals of an index.
package final class RefusalLedger: Sendable {
  private let counts = Mutex(RefusalCounts())
  private let report: @Sendable (String) -> Void

  /// - Parameter report: gets lines for the log.
  package init(report: @escaping @Sendable (String) -> Void) {
    self.report = report
  }

  func note(_ limit: String, of host: String?) {
    let line = counts.withLock { $0.note(limit, of: host, at: .now()) }
    if let line { report(line) }
  }

  var current: RefusalCounts { counts.withLock { $0 } }
}
