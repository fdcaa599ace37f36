// SPDX-License-Identifier: Apache-2.0

/// Keys and paths, taken apart at bytes. Beside a combining mark, a joiner or a prepended sign a slash is part of one character
/// (UAX #29), which the methods of `String` look for in vain; for the kernel and for claims it is a slash all the same.
extension StringProtocol where UTF8View: BidirectionalCollection {
  package var beginsWithSlash: Bool { utf8.first == slash }
  package var endsInSlash: Bool { utf8.last == slash }
  /// As hidden files do.
  package var beginsWithDot: Bool { utf8.first == UInt8(ascii: ".") }

  /// The directory of a path: everything before the last slash, `/` for what lies there; `nil` without a slash.
  package var parent: String? {
    guard let position = utf8.lastIndex(of: slash) else { return nil }
    return position == startIndex ? "/" : String(self[..<position])
  }

  /// Everything after the last slash, the whole text without one.
  package var afterLastSlash: String {
    String(utf8.lastIndex(of: slash).map { self[utf8.index(after: $0)...] } ?? self[...])
  }

  /// What stands between slashes.
  package func segments(omittingEmpty: Bool = true) -> [Self.SubSequence] {
    var (found, start) = ([Self.SubSequence](), startIndex)
    for end in utf8.indices where utf8[end] == slash {
      if !omittingEmpty || start < end { found.append(self[start..<end]) }
      start = utf8.index(after: end)
    }
    if !omittingEmpty || start < endIndex { found.append(self[start...]) }
    return found
  }

  package var withoutTrailingSlashes: Self.SubSequence {
    var end = endIndex
    while end > startIndex, utf8[utf8.index(before: end)] == slash { end = utf8.index(before: end) }
    return self[..<end]
  }
}

private let slash = UInt8(ascii: "/")
