// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The peers of this supervisor, which belong to the network of its index: which ids the index has to be told, and which
/// peers may go on because it knows them.
package struct OwnPeers: Sendable {
  package enum Step: Equatable, Sendable {
    /// Send these ids to the index.
    case tell([PeerID])
    /// Tell this peer that it may connect.
    case release(String)
    /// Say that the index does not learn that this peer is one of its own.
    case leaveOut(String)
  }

  /// More would not fit a line of the channel.
  package static let maxPeers = 900

  /// Whether this supervisor serves an index.
  private let hasIndex: Bool
  private var isRunning = false
  private var ids: [String: PeerID] = [:]
  /// Peers that wait to connect.
  private var waiting: Set<String> = []
  /// Those that may go on with each acknowledgement that is to come, in its order.
  private var told: [Set<String>] = []

  package init(hasIndex: Bool) {
    self.hasIndex = hasIndex
  }

  /// A peer has stated its id and waits.
  package mutating func identified(_ name: String, as id: PeerID) -> [Step] {
    guard hasIndex else { return [.release(name)] }
    guard ids[name] != nil || ids.count < Self.maxPeers else { return [.leaveOut(name), .release(name)] }
    ids[name] = id
    waiting.insert(name)
    return tell()
  }

  /// The index was started, also again: it knows nobody, and waits for the ids before it serves.
  package mutating func indexStarted() -> [Step] {
    isRunning = true
    told = []
    return tell()
  }

  package mutating func indexEnded() {
    isRunning = false
    told = []
  }

  /// The index knows the ids that it was sent first of those that it has not acknowledged.
  package mutating func acknowledged() -> [Step] {
    guard !told.isEmpty else { return [] }
    let released = told.removeFirst().intersection(waiting)
    waiting.subtract(released)
    return released.sorted().map { .release($0) }
  }

  /// The process of a peer has ended. Its id stays: the next process has the same.
  package mutating func ended(_ name: String) {
    waiting.remove(name)
  }

  /// The peer is no longer part of the configuration.
  package mutating func retired(_ name: String) -> [Step] {
    waiting.remove(name)
    return ids.removeValue(forKey: name) == nil ? [] : tell()
  }

  private mutating func tell() -> [Step] {
    guard isRunning else { return [] }
    told.append(waiting)
    return [.tell(ids.values.sorted())]
  }
}
