// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The sources of this package as files.
enum SourceTree {
  struct File {
    /// Relative to the root of the package.
    let path: String
    let lines: [Substring]

    /// All lines that are not only a comment.
    var code: some Sequence<(number: Int, text: Substring)> {
      lines.enumerated().lazy
        .map { (number: $0.offset + 1, text: $0.element) }
        .filter { !$0.text.drop(while: \.isWhitespace).hasPrefix("//") }
    }

    /// The imported modules.
    var imports: [String] {
      code.compactMap { line in line.text.prefixMatch(of: Self.importLine).map { String($0.output.1) } }
    }

    nonisolated(unsafe) private static let importLine =
      #/\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:package|public|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)/#
  }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The directories in `Sources`, each a target.
  static func modules() throws -> [String] {
    try directories(in: "Sources")
  }

  static func directories(in parent: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(
      at: root.appending(path: parent), includingPropertiesForKeys: [.isDirectoryKey]
    )
    .filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }
    .map(\.lastPathComponent).sorted()
  }

  static func files(of module: String) throws -> [File] {
    try files(under: "Sources/\(module)")
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }

  /// The words of a document, split at everything that cannot be part of a path.
  static func words(of document: String) throws -> [String] {
    try String(contentsOf: root.appending(path: document), encoding: .utf8)
      .split { !($0.isLetter || $0.isNumber || "_+-./".contains($0)) }
      .map { word in word.hasSuffix(".") ? String(word.dropLast()) : String(word) }
  }

  /// All Swift files under a directory.
  static func files(under directory: String) throws -> [File] {
    let start = root.appending(path: directory)
    guard let walk = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil) else { return [] }
    var files = [File]()
    for case let url as URL in walk where url.pathExtension == "swift" {
      let text = try String(contentsOf: url, encoding: .utf8)
      let path = String(url.path.dropFirst(root.path.count + 1))
      files.append(File(path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false)))
    }
    return files
  }
}
