// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// How many holders one round of a prefix may try in vain: an index may name any number that never were.
///
/// When it is used up, only those are asked that have given something. The holders that failed are left out of the next
/// rounds until one ends within the budget, so that those behind them have their turn.
package struct HolderBudget: Sendable {
  /// Holders that may fail in one round.
  package static let maxFailed = 256
  /// Holders that are left out of rounds.
  package static let maxAvoided = 16_384

  private let avoided: Set<HolderID>
  private var failed: Set<HolderID> = []
  private var proven: Set<HolderID> = []

  /// - Parameter avoided: what the round before says, if there was one.
  package init(avoiding avoided: Set<HolderID> = []) {
    self.avoided = avoided
  }

  package var isUsedUp: Bool { failed.count >= Self.maxFailed }

  package func mayAsk(_ holder: HolderID) -> Bool {
    proven.contains(holder) || !isUsedUp && !avoided.contains(holder)
  }

  package mutating func noteFailure(of holder: HolderID) {
    if !proven.contains(holder), !isUsedUp { failed.insert(holder) }
  }

  package mutating func noteDelivery(of holder: HolderID) {
    proven.insert(holder)
    failed.remove(holder)
  }

  /// Those that the next round leaves out.
  package var avoidedNext: Set<HolderID> {
    guard isUsedUp else { return [] }
    let all = avoided.union(failed)
    return all.count > Self.maxAvoided ? failed : all
  }
}
