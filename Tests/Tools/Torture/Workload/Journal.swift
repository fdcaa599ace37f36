// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON

/// What one worker did, line by line: for whoever looks into a finding.
final class Journal {
  private let descriptor: CInt
  private let start: ContinuousClock.Instant

  /// - Parameter path: `nil` keeps none.
  init(path: String?, start: ContinuousClock.Instant) {
    descriptor = path.map { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) } ?? -1
    self.start = start
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  func note(_ what: @autoclosure () -> String) {
    guard descriptor >= 0 else { return }
    let line = Array("\((ContinuousClock.now - start).seconds.rounded(toPlaces: 2)) \(what())\n".utf8)
    _ = write(descriptor, line, line.count)
  }
}

extension JSONValue {
  /// As it is on the wire.
  var line: String {
    guard let bytes = try? Jansson.encodeLine(self) else { return "\(self)" }
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }
}
