// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
package import NIOCore
import Synchronization
import WireProtocol

/// What uploads need of an unfinished download. The members may block.
package protocol PartialContent: AnyObject, Sendable {
  var content: Content { get }
  /// The pieces whose blocks were verified by this process.
  var proven: PieceSet { get }
  /// Nodes of its tree and their siblings; `nil` if some are not known.
  func hashes(_ range: HashRange) throws(StoreError) -> [UInt8]?
  /// The bytes, to read and to send.
  var file: OpenFile { get }
}

extension PieceFile: PartialContent {}

/// An unfinished download, as it is served.
package struct PartialHolding: Sendable {
  package let key: DocumentKey
  /// The only network in which it is served.
  package let home: Home
  package let partial: any PartialContent

  package init(key: DocumentKey, home: Home, partial: any PartialContent) {
    self.key = key
    self.home = home
    self.partial = partial
  }

  package var content: Content { partial.content }

  /// Whether all of these bytes may be served. Blocks.
  package func has(_ offset: Int64, _ length: Int64) -> Bool {
    let pieceLength = content.geometry.pieceLength
    guard length > 0, offset >= 0, length <= content.size - offset else { return false }
    let proven = partial.proven
    let last = (offset + length - 1) / pieceLength
    return proven.firstMissing(from: Int(offset / pieceLength)).map { $0 > last } ?? true
  }
}

/// The downloads of this peer that others may fetch from, and the connections that want to know what they get.
package final class PartialHoldings: Sendable {
  private struct Entry {
    var holding: PartialHolding
    var reports: HaveReports
    var subscribers: [ObjectIdentifier: HaveSubscriber] = [:]
  }

  private let loop: any EventLoop
  private let entries = Mutex<[Content: Entry]>([:])

  /// - Parameter loop: for the times of events.
  package init(loop: any EventLoop) {
    self.loop = loop
  }

  /// Serves a download from now on, in place of an earlier one of the same content.
  package func offer(_ partial: any PartialContent, as key: DocumentKey, in home: Home) {
    let holding = PartialHolding(key: key, home: home, partial: partial)
    let content = holding.content
    entries.withLock { entries in
      guard entries[content] == nil else {
        entries[content]?.holding = holding
        return
      }
      entries[content] = Entry(holding: holding, reports: HaveReports(count: Int(content.geometry.pieceCount)))
    }
  }

  /// Serves a download no longer. Bodies that are being sent are completed.
  /// - Parameter isComplete: whether the content is shared now: those who asked are told.
  package func withdraw(_ content: Content, isComplete: Bool) {
    guard let entry = entries.withLock({ $0.removeValue(forKey: content) }), isComplete else { return }
    Self.tell(entry.subscribers.values, HaveEvent(content, pieces: nil))
  }

  /// - Parameter network: that of those who ask.
  package func find(_ content: Content, in network: Home) -> PartialHolding? {
    entries.withLock { $0[content]?.holding }.flatMap { $0.home == network ? $0 : nil }
  }

  /// A piece was verified. Quick.
  package func gained(_ content: Content, piece: Int) {
    let now = NIODeadline.now()
    let deadline = entries.withLock { entries -> NIODeadline? in
      guard entries[content]?.subscribers.isEmpty == false else { return nil }
      return entries[content]?.reports.gained(piece, at: now)
    }
    guard let deadline else { return }
    loop.scheduleTask(deadline: deadline) { self.report(content) }
  }

  private func report(_ content: Content) {
    let now = NIODeadline.now()
    let due = entries.withLock { entries -> (pieces: [Range<Int>], subscribers: [HaveSubscriber])? in
      guard let pieces = entries[content]?.reports.take(at: now), let entry = entries[content] else { return nil }
      return (pieces, Array(entry.subscribers.values))
    }
    guard let due, !due.pieces.isEmpty else { return }
    Self.tell(due.subscribers, HaveEvent(content, pieces: due.pieces))
  }

  private static func tell(_ subscribers: some Sequence<HaveSubscriber>, _ event: HaveEvent) {
    for subscriber in subscribers { subscriber.tell(event) }
  }

  // MARK: Subscribers

  /// Tells a subscriber what a download gets from now on. Ask for its pieces afterwards: none is missed then.
  func subscribe(_ subscriber: HaveSubscriber, to content: Content, in network: Home) -> PartialHolding? {
    entries.withLock { entries in
      guard entries[content]?.holding.home == network else { return nil }
      entries[content]?.subscribers[ObjectIdentifier(subscriber)] = subscriber
      return entries[content]?.holding
    }
  }

  /// Ends all subscriptions of a connection.
  func unsubscribe(_ subscriber: HaveSubscriber) {
    entries.withLock { entries in
      for content in entries.keys { entries[content]?.subscribers[ObjectIdentifier(subscriber)] = nil }
    }
  }
}

/// A connection that gets `have` events.
final class HaveSubscriber: Sendable {
  private let loop: any EventLoop
  private let notify: @Sendable (HaveEvent) -> Void

  /// - Parameter notify: called on the event loop.
  init(loop: any EventLoop, notify: @escaping @Sendable (HaveEvent) -> Void) {
    self.loop = loop
    self.notify = notify
  }

  func tell(_ event: HaveEvent) {
    loop.execute { self.notify(event) }
  }
}

/// When the new pieces of one download are reported: at once if the last report is 200 ms old, else when it is.
package struct HaveReports {
  package static let interval = TimeAmount.milliseconds(200)

  private var pieces: PieceSet
  private var last: NIODeadline?
  private var isScheduled = false

  /// - Parameter count: number of pieces of the content.
  package init(count: Int) {
    pieces = PieceSet(count: count)
  }

  /// - Returns: when to call `take`; `nil` if that is scheduled already.
  package mutating func gained(_ piece: Int, at now: NIODeadline) -> NIODeadline? {
    guard pieces.insert(piece), !isScheduled else { return nil }
    isScheduled = true
    return max(now, last.map { $0 + Self.interval } ?? now)
  }

  /// The pieces since the last report.
  package mutating func take(at now: NIODeadline) -> [Range<Int>] {
    defer { pieces = PieceSet(count: pieces.count) }
    isScheduled = false
    last = now
    return pieces.ranges
  }
}
