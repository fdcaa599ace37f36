// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Names of files that begin as typed.
enum FileNames {
  private static let most = 1_000

  /// - Parameter directory: what a relative path is relative to.
  /// - Returns: paths as they were begun, directories with a slash at their end; sorted.
  static func beginning(_ typed: String, in directory: String, onlyDirectories: Bool = false) -> [String] {
    let slash = typed.lastIndex(of: "/")
    let parent = slash.map { String(typed[...$0]) } ?? ""
    let name = slash.map { typed[typed.index(after: $0)...] } ?? typed[...]
    let path = parent.hasPrefix("/") ? parent : "\(directory)/\(parent)"
    guard let entries = opendir(path) else { return [] }
    defer { closedir(entries) }
    var names = [String]()
    while names.count < most, let entry = readdir(entries) {
      // What is no text cannot be typed.
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
