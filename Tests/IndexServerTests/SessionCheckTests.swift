// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Whole sessions of any bytes: those that fuzzing starts from, and changes of them.
@Suite struct SessionCheckTests {
  private static var directory: URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Sessions")
  }

  private static var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []).sorted()
  }

  private static func bytes(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: directory.appending(path: name)))
  }

  @Test func `there are sessions`() {
    #expect(Self.names.count >= 7)
  }

  @Test(arguments: names) func `session leaves nothing behind`(name: String) throws {
    #expect(try SessionCheck.problem(Self.bytes(name)) == nil)
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>) func `changed sessions leave nothing behind`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let sessions = try Self.names.map { try Self.bytes($0) }
    for _ in 0..<60 {
      var bytes = random.pick(sessions)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1 where bytes.count > 1: bytes.remove(at: place)
        case 2: bytes.insert(0x0A, at: place)
        default: bytes.insert(contentsOf: random.pick(sessions).suffix(300), at: place)
        }
      }
      #expect(try SessionCheck.problem(bytes) == nil, "\(String(decoding: bytes, as: UTF8.self))")
    }
  }
}
