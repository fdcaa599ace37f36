// SPDX-License-Identifier: Apache-2.0

import Testing

/// Rules of the house that can be read from the files.
@Suite struct PromiseTests {
  /// Longer ones are hard to find one's way in.
  private static let maxLines = 600
  private static let maxLinesOfAnEntryPoint = 60

  /// What ends the process. A path with the reason why nobody outside can reach it may stand in `permitted`.
  private static let traps = ["try!", "as!", "fatalError(", "preconditionFailure(", ".unsafelyUnwrapped"]
  private static let permitted: [String: String] = [:]

  @Test(arguments: ["Sources", "Tests"])
  func keepsFilesShort(directory: String) throws {
    for file in try SourceTree.files(under: directory) {
      #expect(file.lines.count <= Self.maxLines, "\(file.path) has \(file.lines.count) lines")
    }
  }

  @Test func endsTheProcessNowhere() throws {
    for file in try SourceTree.files(under: "Sources") where Self.permitted[file.path] == nil {
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

  @Test func keepsEverythingInsideThePackage() throws {
    for file in try SourceTree.files(under: "Sources") where !file.path.contains("Entrypoint") {
      for line in file.code {
        #expect(!line.text.contains("public "), "\(file.path):\(line.number) is public")
        #expect(!line.text.contains("@testable"), "\(file.path):\(line.number)")
      }
    }
  }

  @Test func usesNoTestableImports() throws {
    for file in try SourceTree.files(under: "Tests") where !file.path.hasPrefix("Tests/ArchitectureTests") {
      for line in file.code { #expect(!line.text.contains("@testable import"), "\(file.path):\(line.number)") }
    }
  }

  @Test func keepsEntryPointsThin() throws {
    for module in try SourceTree.modules() where module.hasPrefix("p2p") {
      let files = try SourceTree.files(of: module)
      #expect(files.map(\.path) == ["Sources/\(module)/Entrypoint.swift"])
      for file in files {
        // The last line ends with a newline.
        #expect(file.lines.count - 1 <= Self.maxLinesOfAnEntryPoint, "\(file.path)")
      }
    }
  }
}
