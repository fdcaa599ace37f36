// SPDX-License-Identifier: Apache-2.0

/// Human-readable numbers.
package enum Quantity {
  private static let units = ["KiB", "MiB", "GiB", "TiB", "PiB"]

  /// `0 B`, `1023 B`, `1.0 KiB`, `173.8 KiB`, `8.0 PiB`.
  package static func size(_ bytes: Int64) -> String {
    guard bytes >= 1024 else { return "\(max(0, bytes)) B" }
    var value = Double(bytes) / 1024
    var unit = 0
    // A value that would be rounded to 1024.0 is shown in the next unit.
    while value >= 1023.95, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return "\(tenths(value)) \(units[unit])"
  }

  /// `5 B of 1.0 KiB`, `1.0 of 2.4 GiB`.
  package static func amount(_ part: Int64, of whole: Int64) -> String {
    let (part, whole) = (size(part), size(whole))
    guard let partUnit = part.split(separator: " ").last, let unit = whole.split(separator: " ").last, unit == partUnit
    else { return "\(part) of \(whole)" }
    return "\(part.dropLast(unit.count + 1)) of \(whole)"
  }

  /// Bytes per second; a dash if no time has passed.
  package static func rate(_ bytes: Int64, seconds: Double) -> String {
    guard seconds > 0, bytes >= 0 else { return "-" }
    let rate = Double(bytes) / seconds
    return rate < 9e15 ? "\(size(Int64(rate)))/s" : "-"
  }

  /// `0.02 s`, `1.5 s`, `59 s`, `2 min 05 s`, `3 h 07 min`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "-" }
    if seconds < 0.995 { return "\(fraction(seconds, digits: 2)) s" }
    if seconds < 9.95 { return "\(tenths(seconds)) s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(twoDigits(whole % 60)) s" }
    return "\(whole / 3600) h \(twoDigits(whole / 60 % 60)) min"
  }

  /// A remaining time in few cells: `0 s`, `59 s`, `2:05`, `3:07:09`.
  package static func clock(_ seconds: Int64) -> String {
    let seconds = Int(clamping: max(seconds, 0))
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60):\(twoDigits(seconds % 60))" }
    guard seconds < 360_000 else { return "> 99 h" }
    return "\(seconds / 3600):\(twoDigits(seconds / 60 % 60)):\(twoDigits(seconds % 60))"
  }

  /// `1 document`, `2 documents`.
  package static func count(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  private static func tenths(_ value: Double) -> String { fraction(value, digits: 1) }

  private static func fraction(_ value: Double, digits: Int) -> String {
    let scale = digits == 1 ? 10 : 100
    let scaled = Int((value * Double(scale)).rounded())
    let rest = String(scaled % scale)
    return "\(scaled / scale)." + String(repeating: "0", count: digits - rest.utf8.count) + rest
  }

  private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
