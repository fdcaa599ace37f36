// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Completes file names.
enum FileNames {
  private static let maxNames = 1_000

  /// - Parameters:
  ///   - typed: the start of a path.
  ///   - directory: the base of a relative path.
  /// - Returns: matching paths in the form typed, directories with a trailing slash; sorted.
  static func beginning(_ typed: String, in directory: String, onlyDirectories: Bool = false) -> [String] {
    let slash = typed.lastIndex(of: "/")
    let parent = slash.map { String(typed[...$0]) } ?? ""
    let name = slash.map { typed[typed.index(after: $0)...] } ?? typed[...]
    let path = parent.hasPrefix("/") ? parent : "\(directory)/\(parent)"
    guard let entries = opendir(path) else { return [] }
    defer { closedir(entries) }
    var names = [String]()
    while names.count < maxNames, let entry = readdir(entries) {
      // Names that are not UTF-8 cannot be typed.
      let file = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
      }
      guard let file, file != ".", file != "..", PartialLine.begins(file, with: name),
        file.hasPrefix(".") == name.hasPrefix(".")
      else {
        continue
      }
      let isDirectory = isDirectory("\(path)/\(file)")
      if isDirectory || !onlyDirectories { names.append(parent + file + (isDirectory ? "/" : "")) }
    }
    return names.sorted()
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
