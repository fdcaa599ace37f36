// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import WireProtocol

/// Why a source is dropped.
package enum SourceFailure: Error, Equatable {
  /// The source refuses.
  case refused(WireFailure)
  /// The source asks to come back later for this content.
  case busy(WireFailure)
  /// The source is another peer than the index reported.
  case otherPeer(PeerID)
  /// The source has only part of the content.
  case incomplete
  /// The source breaks the protocol.
  case protocolViolation(String)
  /// The source sent bytes or hashes that do not belong to the content.
  case wrongBytes(String)
  /// The source cannot be reached, or the connection broke.
  case lost(String)
  /// The source did not answer in time.
  case silent
  /// No complete block arrived for too long.
  case stalled
  /// The address reported by the index cannot be a peer's.
  case misplaced(String)
}

extension SourceFailure {
  /// Whether a source that has delivered something may deliver more on another try.
  var isTemporary: Bool {
    switch self {
    case .lost, .stalled: true
    case .refused, .busy, .otherPeer, .incomplete, .protocolViolation, .wrongBytes, .silent, .misplaced: false
    }
  }

  /// Whether the same holder may be a source once it joins again.
  var mayPass: Bool {
    switch self {
    case .lost, .stalled, .silent, .incomplete, .refused: true
    case .busy, .otherPeer, .protocolViolation, .wrongBytes, .misplaced: false
    }
  }
}

extension SourceFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .refused(let failure), .busy(let failure):
      switch failure.code {
      case .notFound, .changed: "does not have it any more: \(failure.message)"
      case .unavailable: "is not available: \(failure.message)"
      case .internal: "failed: \(failure.message)"
      default: "refuses: \(failure.message)"
      }
    case .otherPeer(let peer): "is another peer: \(peer)"
    case .incomplete: "has only part of it"
    case .protocolViolation(let what): "breaks the protocol: \(what)"
    case .wrongBytes(let what): "sent wrong bytes: \(what)"
    case .lost(let why): "cannot be reached: \(why)"
    case .silent: "does not answer"
    case .stalled: "sent nothing for too long"
    case .misplaced(let host): "has the address \(host), which cannot be a peer's"
    }
  }
}

/// Counts failed sources and keeps the first few for the error message: of those that sent wrong bytes more, because a user
/// wants to know who lies.
package struct SourceFailures {
  private static let maxReported = 3
  private static let maxLiars = 16
  private static let maxHolders = 1024

  /// Number of failures; a source that failed twice counts twice.
  package private(set) var count = 0
  /// Number of sources that did not answer in time.
  package private(set) var silent = 0
  /// Whether a source sent bytes that do not belong to the content.
  package private(set) var hasWrongBytes = false
  /// Whether a source no longer has what it announced: the key may stand for another content now.
  package private(set) var hasChanges = false
  /// Those that failed.
  private(set) var holders: Set<HolderID> = []
  private var liars: [(holder: Holder, failure: SourceFailure)] = []
  private var others: [(holder: Holder, failure: SourceFailure)] = []

  package init() {}

  package mutating func note(_ holder: Holder, _ failure: SourceFailure) {
    count += 1
    if holders.count < Self.maxHolders { holders.insert(holder.id) }
    if failure == .silent { silent += 1 }
    if case .refused(let refusal) = failure, [.changed, .notFound].contains(refusal.code) { hasChanges = true }
    if case .wrongBytes = failure {
      hasWrongBytes = true
      if liars.count < Self.maxLiars { liars.append((holder, failure)) }
    } else if others.count < Self.maxReported {
      others.append((holder, failure))
    }
  }

  /// Names and reasons, for people; empty if no source was tried.
  package var explanation: String {
    // A few in all, but all liars.
    let reported = liars + others.prefix(max(Self.maxReported - liars.count, 0))
    // Those that failed in the same way are named together.
    var groups: [(names: [String], reason: String)] = []
    for (holder, failure) in reported {
      let reason = "\(failure)"
      if let known = groups.firstIndex(where: { $0.reason == reason }) {
        if !groups[known].names.contains(holder.name.text) { groups[known].names.append(holder.name.text) }
      } else {
        groups.append(([holder.name.text], reason))
      }
    }
    let text = groups.map { "\($0.names.joined(separator: ", ")) \($0.reason)" }.joined(separator: "; ")
    return count > reported.count ? "\(text); and \(count - reported.count) more" : text
  }
}
