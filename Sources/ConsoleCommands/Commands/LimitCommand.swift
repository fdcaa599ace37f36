// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct LimitCommand: ConsoleCommand {
  static let example = "limit --down 10M --between 08:00-18:00"
  static let configuration: CommandConfiguration = .verb(
    "limit", "Limit the rate and number of transfers, or show the limits.",
    """
    A limit holds for all transfers of a direction together, which share it, and across restarts. 10M is 10,000,000 bytes \
    per second.

    With --between, the rates hold in that part of each day, in local time and if need be over midnight; at other times \
    those without it do. --between off ends that.
    """)

  @Option(
    help: ArgumentHelp(
      "Bytes per second that downloads receive: a number, k, M or G behind it, or off.", valueName: "rate"),
    transform: TransferRate.init)
  var down: TransferRate?

  @Option(help: ArgumentHelp("Bytes per second that uploads send.", valueName: "rate"), transform: TransferRate.init)
  var up: TransferRate?

  @Option(
    help: ArgumentHelp("The part of the day for these rates, as HH:MM-HH:MM, or off.", valueName: "times"),
    transform: Self.between)
  var between: ChangeLimits.Between?

  @Option(
    help: ArgumentHelp(
      "Large downloads that fetch at a time; others are queued. The default is 4.", valueName: "number"),
    transform: Self.count)
  var downloads: Int?

  @Option(
    help: ArgumentHelp(
      "Parts of large documents that are sent at a time; other requests wait. The default is 16.", valueName: "number"),
    transform: Self.count)
  var slots: Int?

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    if case .part? = between, down == nil, up == nil {
      throw ValidationError("--between goes with --down or --up; off ends the schedule")
    }
  }

  private static func between(_ text: String) throws -> ChangeLimits.Between {
    text == "off" ? .off : .part(try DayPart(text))
  }

  private static func count(_ text: String) throws -> Int {
    guard let count = Int(text), (1...ChangeLimits.maxCount).contains(count) else {
      throw InvalidValue("expected a number from 1 to \(ChangeLimits.maxCount)")
    }
    return count
  }

  func perform(on console: Console) throws -> ExitStatus {
    let reply: ControlLimitReply = try DaemonClient(console: console, options: daemon).request(
      .limit(
        ChangeLimits(down: down?.bytes, up: up?.bytes, downloads: downloads, slots: slots, between: between)))
    if daemon.json {
      try console.writeJSON(reply.members)
    } else {
      for line in Self.lines(reply) { try console.writeLine(line) }
    }
    return .done
  }

  private static func lines(_ reply: ControlLimitReply) -> [String] {
    let rates = [(ControlLimitReply.Direction.down, "down", reply.down), (.up, "up", reply.up)]
    let counts = [("downloads", reply.downloads), ("slots", reply.slots)]
    let lines = rates.map { direction, name, rate in
      let schedule = reply.schedule.first { $0.direction == direction }
      return (name, "\(TransferRate(bytes: rate ?? 0))" + (schedule.map(note) ?? ""))
    }
    return (lines + counts.compactMap { name, count in count.map { (name, "\($0)") } }).map { name, value in
      name + String(repeating: " ", count: 11 - name.count) + value
    }
  }

  /// What holds at other times.
  private static func note(_ schedule: ControlLimitReply.Schedule) -> String {
    if schedule.active {
      return " until \(DayPart.text(schedule.between.end)), then \(TransferRate(bytes: schedule.otherwise ?? 0))"
    }
    return " until \(DayPart.text(schedule.between.start)), then \(TransferRate(bytes: schedule.rate ?? 0))"
      + " until \(DayPart.text(schedule.between.end))"
  }
}

/// A rate as typed: `500k`, `10M`, `1.5G` bytes per second in powers of ten, or `off`.
struct TransferRate: Equatable, CustomStringConvertible {
  /// Per second; 0 for no limit.
  let bytes: Int64

  private static let units: [(letter: Character, factor: Int64)] = [
    ("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("k", 1_000),
  ]

  init(bytes: Int64) {
    self.bytes = bytes
  }

  init(_ text: String) throws {
    guard text != "off" else {
      self.init(bytes: 0)
      return
    }
    let unit = Self.units.first { text.lowercased().last == Character($0.letter.lowercased()) }
    let digits = unit == nil ? text[...] : text.dropLast()
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }), let number = Double(digits) else {
      throw InvalidValue("expected a number of bytes per second, such as 500k or 10M, or off")
    }
    let bytes = number * Double(unit?.factor ?? 1)
    guard bytes >= 1, bytes <= Double(Content.maximumSize) else {
      throw InvalidValue("expected at least 1 byte per second; off ends the limit")
    }
    self.init(bytes: Int64(bytes.rounded()))
  }

  /// As it can be typed again.
  var description: String {
    guard bytes > 0 else { return "off" }
    guard let unit = Self.units.first(where: { bytes % $0.factor == 0 }) else { return "\(bytes)" }
    return "\(bytes / unit.factor)\(unit.letter)"
  }
}
