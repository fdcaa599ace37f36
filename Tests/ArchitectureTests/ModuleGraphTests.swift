// SPDX-License-Identifier: Apache-2.0

import Testing

/// What the compiler does not check about the module graph, read from the import lines of the sources.
@Suite struct ModuleGraphTests {
  /// Too heavy for the process that must not die and for the one that starts most often.
  private static let heavy: Set = [
    "NIOCore", "NIOPosix", "NIOEmbedded", "NIOSSL", "NIOTLS", "Crypto", "GRDB", "Foundation", "FoundationEssentials",
    "Logging",
    "DocumentIndex", "LineTransport", "PeerIdentity",
  ]

  /// Our own modules and what each imports.
  private static func imports() throws -> [String: Set<String>] {
    try Dictionary(
      uniqueKeysWithValues: SourceTree.modules().map { ($0, Set(try SourceTree.files(of: $0).flatMap(\.imports))) })
  }

  /// A module and all modules it reaches.
  private static func closure(of module: String, in graph: [String: Set<String>]) -> Set<String> {
    var (closure, waiting) = (Set<String>(), [module])
    while let next = waiting.popLast() {
      guard closure.insert(next).inserted else { continue }
      waiting += graph[next] ?? []
    }
    return closure
  }

  @Test(arguments: ["p2pctl", "p2p-supervisor"])
  func `links no heavy library`(executable: String) throws {
    let graph = try Self.imports()
    let reached = Self.closure(of: executable, in: graph)
    #expect(reached.contains("WireProtocol"), "the import lines are read")
    #expect(reached.isDisjoint(with: Self.heavy), "\(executable) reaches \(reached.intersection(Self.heavy).sorted())")
  }

  @Test func `has no cycle`() throws {
    let graph = try Self.imports()
    for (module, edges) in graph {
      for edge in edges where graph[edge] != nil {
        #expect(!Self.closure(of: edge, in: graph).contains(module), "\(edge) and \(module) import each other")
      }
    }
  }

  @Test(arguments: [
    ("import NIOCore", "NIOCore"), ("package import struct NIOCore.Channel", "NIOCore"),
    ("@_spi(_Unicode) private import Swift", "Swift"), ("  @preconcurrency import GRDB", "GRDB"),
  ])
  func `reads import lines`(line: String, module: String) {
    #expect(SourceTree.File(path: "", lines: [line[...], "// import Other", "important()"]).imports == [module])
  }
}
