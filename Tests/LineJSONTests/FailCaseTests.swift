// SPDX-License-Identifier: Apache-2.0

import Foundation
import LineJSON
import Testing

@Suite struct FailCaseTests {
  private static var directory: URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "FailCases")
  }

  private static var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []).sorted()
  }

  @Test func `there are failing cases`() {
    #expect(Self.names.count >= 12)
  }

  @Test(arguments: names)
  func `both readers agree on a failing case`(name: String) throws {
    let line = try [UInt8](Data(contentsOf: Self.directory.appending(path: name)))
    let strict = Oracle.strict(line)
    #expect(strict == Oracle.jansson(line))
    #expect((strict == nil) == !["names-equal-only-as-unicode", "zero-with-huge-exponent"].contains(name))
    if let value = try? Jansson.decode(line) {
      #expect(try Oracle.strict(Jansson.encodeLine(value)) == strict)
    }
  }
}
