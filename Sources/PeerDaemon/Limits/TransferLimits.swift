// SPDX-License-Identifier: Apache-2.0

package import WireProtocol

/// The limits that a user has set: rates of both directions, which may differ in a part of the day, and numbers.
package struct TransferLimits: Equatable, Sendable {
  /// The limit of one direction. Rates are bytes per second; `nil` for no limit.
  package struct Rate: Equatable, Sendable {
    package struct Scheduled: Equatable, Sendable {
      package var rate: Int64?
      package var between: DayPart

      package init(rate: Int64?, between: DayPart) {
        self.rate = rate
        self.between = between
      }
    }

    package var plain: Int64?
    /// Replaces `plain` in a part of the day.
    package var scheduled: Scheduled?

    package init() {}

    /// - Parameter minute: of the local day.
    package func inForce(at minute: Int) -> Int64? {
      if let scheduled, scheduled.between.contains(minute) { scheduled.rate } else { plain }
    }
  }

  package static let defaultDownloads = 4
  package static let defaultSlots = 16

  package var down = Rate()
  package var up = Rate()
  /// Downloads of several pieces that fetch at a time.
  package var downloads = Self.defaultDownloads
  /// Bodies that are sent at a time.
  package var slots = Self.defaultSlots

  package init() {}

  package var hasSchedule: Bool { down.scheduled != nil || up.scheduled != nil }

  /// Takes over what a user changes.
  package mutating func apply(_ change: ChangeLimits) {
    switch change.between {
    case .part(let part):
      if let rate = change.down { down.scheduled = .init(rate: rate > 0 ? rate : nil, between: part) }
      if let rate = change.up { up.scheduled = .init(rate: rate > 0 ? rate : nil, between: part) }
    case .off, nil:
      if let rate = change.down { down.plain = rate > 0 ? rate : nil }
      if let rate = change.up { up.plain = rate > 0 ? rate : nil }
      guard change.between == .off else { break }
      let isForAll = change.down == nil && change.up == nil
      if isForAll || change.down != nil { down.scheduled = nil }
      if isForAll || change.up != nil { up.scheduled = nil }
    }
    downloads = change.downloads ?? downloads
    slots = change.slots ?? slots
  }

  // MARK: Slots

  /// Seconds that a block may take: a downloader drops a source after 10 s without one.
  private static let blockSeconds: Int64 = 5

  /// The number of bodies that may be sent at a time under a limit of the rate: with more, each would be too slow for its
  /// downloader.
  package func slots(at rate: Int64?) -> Int {
    guard let rate else { return slots }
    let (bytes, overflow) = rate.multipliedReportingOverflow(by: Self.blockSeconds)
    return overflow ? slots : max(1, min(slots, Int(clamping: bytes / Self.blockLength)))
  }

  private static let blockLength: Int64 = 16_384

  // MARK: Settings of the catalogue

  /// All names, with values for those that are set.
  package var settings: [String: String?] {
    [
      "limit.down": down.plain.map { "\($0)" }, "limit.up": up.plain.map { "\($0)" },
      "limit.down.between": down.scheduled?.setting, "limit.up.between": up.scheduled?.setting,
      "limit.downloads": downloads == Self.defaultDownloads ? nil : "\(downloads)",
      "limit.slots": slots == Self.defaultSlots ? nil : "\(slots)",
    ]
  }

  /// Values of another form are ignored.
  package init(settings: [String: String?]) {
    func rate(_ name: String) -> Int64? { settings[name]?.flatMap { Int64($0) }.flatMap { $0 > 0 ? $0 : nil } }
    func count(_ name: String) -> Int? {
      settings[name]?.flatMap { Int($0) }.flatMap { (1...ChangeLimits.maxCount).contains($0) ? $0 : nil }
    }
    down.plain = rate("limit.down")
    up.plain = rate("limit.up")
    down.scheduled = settings["limit.down.between"]?.flatMap { Rate.Scheduled(setting: $0) }
    up.scheduled = settings["limit.up.between"]?.flatMap { Rate.Scheduled(setting: $0) }
    downloads = count("limit.downloads") ?? downloads
    slots = count("limit.slots") ?? slots
  }
}

extension TransferLimits.Rate.Scheduled {
  /// `08:00-18:00 10000000`
  fileprivate var setting: String { "\(between) \(rate ?? 0)" }

  fileprivate init?(setting: String) {
    let parts = setting.split(separator: " ")
    guard parts.count == 2, let between = try? DayPart(String(parts[0])), let rate = Int64(parts[1]), rate >= 0 else {
      return nil
    }
    self.init(rate: rate > 0 ? rate : nil, between: between)
  }
}
