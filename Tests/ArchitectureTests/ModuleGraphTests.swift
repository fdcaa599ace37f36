import Testing

/// The direction of dependencies, read from the import lines.
@Suite struct ModuleGraphTests {
  @Test func listsEveryModule() throws {
    #expect(try Set(SourceTree.modules()) == Set(ModuleGraph.edges.keys))
  }

  @Test(arguments: ModuleGraph.edges.keys.sorted())
  func importsOnlyWhatItMay(module: String) throws {
    let allowed = ModuleGraph.allowed(in: module)
    for file in try SourceTree.files(of: module) {
      for imported in file.imports {
        #expect(allowed.contains(imported), "\(file.path) imports \(imported)")
      }
    }
  }

  @Test(arguments: ["p2pctl", "p2p-supervisor"])
  func doesWithoutHeavyLibraries(executable: String) throws {
    for module in ModuleGraph.closure(of: executable).sorted() {
      let heavy = ModuleGraph.allowed(in: module).intersection(ModuleGraph.heavy)
      #expect(heavy.isEmpty, "\(executable) stands on \(module), which may import \(heavy.sorted())")
    }
  }

  @Test func hasNoCycle() {
    for (module, edges) in ModuleGraph.edges {
      for edge in edges { #expect(!ModuleGraph.closure(of: edge).contains(module), "\(edge) and \(module)") }
    }
  }

  @Test(arguments: [
    ("import NIOCore", "NIOCore"), ("package import struct NIOCore.Channel", "NIOCore"),
    ("@_spi(_Unicode) private import Swift", "Swift"), ("  @preconcurrency import GRDB", "GRDB"),
  ])
  func readsImportLines(line: String, module: String) {
    #expect(SourceTree.File(path: "", lines: [line[...], "// import Other", "important()"]).imports == [module])
  }
}
