// SPDX-License-Identifier: Apache-2.0

import Testing

/// Rules of the code base that can be checked on the text of its files.
@Suite struct PromiseTests {
  private static let maxLines = 600
  private static let maxEntryPointLines = 60
  private static let traps = ["try!", "as!", "fatalError(", "precondition", ".unsafelyUnwrapped"]

  @Test(arguments: ["Sources", "Tests"])
  func `files are short`(directory: String) throws {
    for file in try SourceTree.files(under: directory) {
      #expect(file.lines.count <= Self.maxLines, "\(file.path) has \(file.lines.count) lines")
    }
  }

  @Test func `sources contain no trap`() throws {
    for file in try SourceTree.files(under: "Sources") {
      for line in file.code {
        for trap in Self.traps { #expect(!line.text.contains(trap), "\(file.path):\(line.number) has \(trap)") }
      }
    }
  }

  @Test(arguments: ["Sources", "Tests"])
  func `every file names its licence`(directory: String) throws {
    for file in try SourceTree.files(under: directory) {
      #expect(file.lines.first == "// SPDX-License-Identifier: Apache-2.0", "\(file.path)")
    }
  }

  @Test func `nothing is public`() throws {
    for file in try SourceTree.files(under: "Sources") where !file.path.contains("Entrypoint") {
      for line in file.code {
        #expect(!line.text.contains("public "), "\(file.path):\(line.number) is public")
      }
    }
  }

  @Test func `no test uses testable imports`() throws {
    for file in try SourceTree.files(under: "Tests") where !file.path.hasPrefix("Tests/ArchitectureTests") {
      for line in file.code { #expect(!line.text.contains("@testable import"), "\(file.path):\(line.number)") }
    }
  }

  @Test func `entry points are thin`() throws {
    for module in try SourceTree.modules() where module.hasPrefix("p2p") {
      let files = try SourceTree.files(of: module)
      #expect(files.map(\.path) == ["Sources/\(module)/Entrypoint.swift"])
      for file in files {
        // Without the licence line, the empty line after it, and the end of the last line.
        #expect(file.lines.count - 3 <= Self.maxEntryPointLines, "\(file.path)")
      }
    }
  }

  @Test(arguments: ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"])
  func `documents name files that exist`(document: String) throws {
    let modules = try SourceTree.modules()
    let sources = try (SourceTree.files(under: "Sources") + SourceTree.files(under: "Tests")).map { "/" + $0.path }
    for name in try SourceTree.words(of: document) {
      let start = String(name.prefix { $0 != "/" })
      if name.hasSuffix(".swift") {
        #expect(sources.contains { $0.hasSuffix("/" + name) } || SourceTree.exists(name), "\(document) names \(name)")
      } else if modules.contains(start) {
        #expect(SourceTree.exists("Sources/" + name), "\(document) names \(name)")
      } else if name.contains("/"), ["Sources", "Tests", "bin", "etc"].contains(start) {
        #expect(SourceTree.exists(name), "\(document) names \(name)")
      }
    }
  }
}
