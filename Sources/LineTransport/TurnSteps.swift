// SPDX-License-Identifier: Apache-2.0

/// What a connection does next in its turn.
enum TurnStep {
  /// The role goes on with its line.
  case work
  /// The role has answered lines of so many bytes together.
  case answered(Int)
  case frame(LineFrames.Frame)
  /// No further whole line has arrived.
  case end

  var isEnd: Bool {
    if case .end = self { true } else { false }
  }

  /// In bytes.
  var length: Int {
    switch self {
    case .frame(let frame): frame.length
    case .answered(let bytes): bytes
    case .work, .end: 0
    }
  }
}

/// What a turn has cost since the clock was last read: reading it has a price, too.
struct TurnCost {
  /// A line of more bytes waits for an awaited turn.
  static let longLine = 16 * 1024
  /// About as much work as one line.
  private static let bytesPerLine = 1024
  private static let lines = 16

  private var bytes = 0

  var isLarge: Bool { bytes >= Self.lines * Self.bytesPerLine }

  mutating func add(bytes: Int) {
    self.bytes += Self.bytesPerLine + bytes
  }
}
