// SPDX-License-Identifier: Apache-2.0

import Foundation
import LineJSON
import TestSupport
import Testing

/// Real RFCs, if present beside the checkout.
@Suite struct ReferenceTextsTests {
  private static let directory = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "shared/rfcs").path

  private static var files: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { $0.hasPrefix("rfc") && $0.hasSuffix(".txt") }.sorted().prefix(200).map {
      "\(directory)/\($0)"
    }
  }

  @Test(.enabled(if: !files.isEmpty, "no RFCs in ../shared/rfcs"))
  func `two hundred RFCs are shared and fetched unchanged`() async throws {
    let files = Self.files
    try await Installation.with { system in
      try await system.expectSuccess(["--peer", "alice", "add"] + files)
      let rows = try await system.rows("bob", "list")
      #expect(rows.count == files.count)
      #expect(rows.allSatisfy { $0["key"]?.string?.hasPrefix("rfc/") == true })
      #expect(rows.filter { $0["title"]?.string?.isEmpty == false }.count > files.count * 8 / 10)
      for path in files.enumerated().filter({ $0.offset.isMultiple(of: 10) }).map(\.element) {
        let name = URL(filePath: path).lastPathComponent
        let number = name.dropFirst(3).dropLast(4)
        let target = system.directory.file(name)
        try await system.run("bob", "get", String(number), "-o", target)
        #expect(TemporaryDirectory.read(target) == TemporaryDirectory.read(path))
      }
    }
  }
}
