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

  /// Two lists of the same edges, one that is built from and one that is checked: neither may fall behind.
  @Test(arguments: ModuleGraph.edges.keys.sorted())
  func isWhatTheManifestSays(module: String) throws {
    #expect(try PackageManifest.dependencies()[module] == ModuleGraph.edges[module])
  }

  @Test(arguments: ModuleGraph.edges.keys.sorted())
  func hasNoEdgeThatNobodyUses(module: String) throws {
    let imported = Set(try SourceTree.files(of: module).flatMap(\.imports))
    let idle = (ModuleGraph.edges[module] ?? []).subtracting(imported)
    #expect(idle.isEmpty, "\(module) imports no \(idle.sorted())")
  }

  @Test func testsNeedNothingThatTheyDoNotImport() throws {
    // Executables that they run.
    let executables: Set = ["p2p-index", "p2p-supervisor", "supervised-child"]
    for directory in try SourceTree.directories(in: "Tests") {
      let target = directory == "SupervisedChild" ? "supervised-child" : directory
      let imported = Set(try SourceTree.files(under: "Tests/\(directory)").flatMap(\.imports))
      let dependencies = try PackageManifest.dependencies()[target] ?? []
      let idle = dependencies.subtracting(imported).subtracting(executables)
      #expect(idle.isEmpty, "\(target) imports no \(idle.sorted())")
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
