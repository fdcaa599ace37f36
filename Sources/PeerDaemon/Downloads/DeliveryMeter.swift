// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The written blocks of a unit: at most 512.
struct BlockMask: Sendable {
  private var words = SIMD8<UInt64>(repeating: 0)

  var count: Int { (0..<8).reduce(0) { $0 + words[$1].nonzeroBitCount } }
  var isEmpty: Bool { words == SIMD8(repeating: 0) }

  func contains(_ block: Int64) -> Bool {
    guard (0..<512).contains(block) else { return false }
    return words[Int(block >> 6)] >> UInt64(block & 63) & 1 == 1
  }

  mutating func insert(_ range: Range<Int64>) {
    for block in range.clamped(to: 0..<512) { words[Int(block >> 6)] |= 1 << UInt64(block & 63) }
  }

  /// The first run of missing blocks.
  func firstGap(in range: Range<Int64>) -> Range<Int64>? {
    guard let lower = range.first(where: { !contains($0) }) else { return nil }
    var upper = lower + 1
    while upper < range.upperBound, !contains(upper) { upper += 1 }
    return lower..<upper
  }
}

/// How fast a source delivers, averaged over about a second during which it had something to deliver.
struct DeliveryMeter: Sendable {
  private static let span: PiecePicker.Time = 1
  /// A shorter time says nothing yet.
  private static let minimumTime: PiecePicker.Time = 0.005

  private var began: PiecePicker.Time
  private var last: PiecePicker.Time
  private var lastDelivery: PiecePicker.Time
  /// Bytes, weighted by age.
  private var weighted = 0.0
  private var isEmpty = true
  private var idleSince: PiecePicker.Time?
  /// Since when our own limit keeps it from delivering, and when that last ended.
  private var heldSince: PiecePicker.Time?
  private var lastHeld: PiecePicker.Time?

  init(start: PiecePicker.Time) {
    began = start
    last = start
    lastDelivery = start
    idleSince = start
  }

  /// Call it whenever there is something to deliver, or nothing any more.
  mutating func setBusy(_ isBusy: Bool, at now: PiecePicker.Time) {
    if !isBusy {
      if idleSince == nil { idleSince = now }
    } else if let since = idleSince {
      let pause = max(now - since, 0)
      (began, last, lastDelivery, idleSince) = (began + pause, last + pause, lastDelivery + pause, nil)
    }
  }

  /// Call it when our own limit of the rate keeps it from delivering, and when it does no more.
  mutating func setHeld(_ isHeld: Bool, at now: PiecePicker.Time) {
    if isHeld {
      heldSince = heldSince ?? now
    } else if let since = heldSince {
      lastDelivery = min(lastDelivery + max(now - since, 0), max(now, lastDelivery))
      (heldSince, lastHeld) = (nil, now)
    }
  }

  /// Whether its rate is that of our own limit.
  func isHeldBack(at now: PiecePicker.Time) -> Bool {
    heldSince != nil || lastHeld.map { now - $0 < Self.span } ?? false
  }

  mutating func add(_ bytes: Int64, at now: PiecePicker.Time) {
    weighted = weighted * decay(to: now) + Double(bytes)
    (last, lastDelivery, isEmpty) = (max(now, last), now, false)
  }

  /// Bytes per second; `nil` before the first delivery.
  func rate(at now: PiecePicker.Time) -> Double? {
    guard !isEmpty else { return nil }
    let now = idleSince ?? now
    let elapsed = max(now - began, Self.minimumTime)
    return weighted * decay(to: now) / (Self.span * (1 - exp(-elapsed / Self.span)))
  }

  /// Seconds since the last delivery, or since there was something to deliver, without the time of our own limit.
  func silence(at now: PiecePicker.Time) -> PiecePicker.Time {
    min(idleSince ?? now, heldSince ?? now) - lastDelivery
  }

  private func decay(to now: PiecePicker.Time) -> Double { exp(-max(now - last, 0) / Self.span) }
}
