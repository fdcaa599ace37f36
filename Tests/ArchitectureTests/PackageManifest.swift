import Foundation

/// What Package.swift says that each target needs, by the names of modules and, of executables that tests run, targets.
enum PackageManifest {
  static func dependencies() throws -> [String: Set<String>] {
    let text = try String(contentsOf: SourceTree.root.appending(path: "Package.swift"), encoding: .utf8)
      .replacing(#/(?m)^\s*//.*$/#, with: "")
    let products = Dictionary(
      text.matches(of: #/let (\w+) = Target\.Dependency\.product\(name: "(\w+)"/#).map {
        (String($0.output.1), String($0.output.2))
      }, uniquingKeysWith: { $1 })
    var dependencies: [String: Set<String>] = [:]
    for match in text.matches(of: #/\.systemLibrary\(\s*name: "([^"]+)"/#) { dependencies[String(match.output.1)] = [] }
    for match in text.matches(
      of: #/\.(?:target|executableTarget|testTarget)\(\s*name: "([^"]+)"(?:,\s*dependencies: \[([^\]]*)\])?/#)
    {
      let names = (match.output.2 ?? "").split(whereSeparator: { ",\n ".contains($0) })
      dependencies[String(match.output.1)] = Set(
        names.map { $0.hasPrefix("\"") ? String($0.dropFirst().dropLast()) : products[String($0)] ?? String($0) })
    }
    return dependencies
  }
}
