// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// `limit`: changes limits, or only asks for them. What is `nil` stays as it is.
package struct ChangeLimits: WireMessage {
  package enum Between: Equatable, Sendable {
    /// The rates of this change hold in this part of the day.
    case part(DayPart)
    /// They hold all day; without rates, those of both directions do.
    case off
  }

  /// The largest number of downloads or slots.
  package static let maxCount = 1000

  /// Bytes per second of all downloads together, 0 for no limit.
  package var down: Int64?
  /// Of all uploads.
  package var up: Int64?
  /// Downloads of several pieces that fetch at a time.
  package var downloads: Int?
  /// Bodies that are sent at a time.
  package var slots: Int?
  package var between: Between?

  package init(
    down: Int64? = nil, up: Int64? = nil, downloads: Int? = nil, slots: Int? = nil, between: Between? = nil
  ) {
    self.down = down
    self.up = up
    self.downloads = downloads
    self.slots = slots
    self.between = between
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    down = try fields.optionalInteger("down", in: 0...Content.maximumSize)
    up = try fields.optionalInteger("up", in: 0...Content.maximumSize)
    downloads = try fields.optionalInteger("downloads", in: 1...Self.maxCount)
    slots = try fields.optionalInteger("slots", in: 1...Self.maxCount)
    switch try fields.optionalString("between") {
    case nil: between = nil
    case "off": between = .off
    case _?:
      between = .part(try fields.dayPart("between"))
      guard down != nil || up != nil else { throw .badRequest("between goes with down or up") }
    }
  }

  package func write(to fields: inout some FieldWriter) {
    if let down { fields.member("down", down) }
    if let up { fields.member("up", up) }
    if let downloads { fields.member("downloads", downloads) }
    if let slots { fields.member("slots", slots) }
    switch between {
    case nil: break
    case .off: fields.member("between", "off")
    case .part(let part): fields.member("between", part.description)
    }
  }
}

/// The limits that are in force.
package struct ControlLimitReply: WireReply {
  package enum Direction: String, Sendable {
    case down, up
  }

  /// A limit for part of the day.
  package struct Schedule: WireMessage, Hashable {
    package var direction: Direction
    /// Bytes per second in this part; `nil` for no limit.
    package var rate: Int64?
    package var between: DayPart
    /// Whether it is that time now.
    package var active: Bool
    /// Bytes per second at other times; `nil` for no limit.
    package var otherwise: Int64?

    package init(direction: Direction, rate: Int64?, between: DayPart, active: Bool, otherwise: Int64?) {
      self.direction = direction
      self.rate = rate
      self.between = between
      self.active = active
      self.otherwise = otherwise
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      let word = try fields.string("direction")
      guard let direction = Direction(rawValue: word) else { throw .badRequest("direction is down or up") }
      self.direction = direction
      rate = try fields.optionalInteger("rate", in: 1...Content.maximumSize)
      between = try fields.dayPart("between")
      active = try fields.optionalBool("active") ?? false
      otherwise = try fields.optionalInteger("otherwise", in: 1...Content.maximumSize)
    }

    package func write(to fields: inout some FieldWriter) {
      fields.member("direction", direction.rawValue)
      if let rate { fields.member("rate", rate) }
      fields.member("between", between.description)
      fields.member("active", active)
      if let otherwise { fields.member("otherwise", otherwise) }
    }
  }

  /// Bytes per second of all downloads together now; `nil` for no limit.
  package var down: Int64?
  /// Of all uploads.
  package var up: Int64?
  /// Downloads that fetch at a time; `nil` if the daemon is older.
  package var downloads: Int?
  /// Bodies that are sent at a time; `nil` if the daemon is older.
  package var slots: Int?
  package var schedule: [Schedule]

  package init(
    down: Int64? = nil, up: Int64? = nil, downloads: Int? = nil, slots: Int? = nil, schedule: [Schedule] = []
  ) {
    self.down = down
    self.up = up
    self.downloads = downloads
    self.slots = slots
    self.schedule = schedule
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    down = try fields.optionalInteger("down", in: 1...Content.maximumSize)
    up = try fields.optionalInteger("up", in: 1...Content.maximumSize)
    downloads = try fields.optionalCount("downloads")
    slots = try fields.optionalCount("slots")
    schedule = try fields.optionalElements("schedule")
  }

  package func write(to fields: inout some FieldWriter) {
    if let down { fields.member("down", down) }
    if let up { fields.member("up", up) }
    if let downloads { fields.member("downloads", downloads) }
    if let slots { fields.member("slots", slots) }
    if !schedule.isEmpty { fields.array("schedule", schedule) }
  }
}
