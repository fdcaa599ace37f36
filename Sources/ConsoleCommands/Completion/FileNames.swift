// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport

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
    let names = try? DirectoryNames.read(path, max: maxNames) { bytes -> String? in
      // Names that are not UTF-8 cannot be typed.
      guard let file = String(validating: bytes, as: UTF8.self), PartialLine.begins(file, with: name),
        file.hasPrefix(".") == name.hasPrefix(".")
      else { return nil }
      let isDirectory = isDirectory("\(path)/\(file)")
      return isDirectory || !onlyDirectories ? parent + file + (isDirectory ? "/" : "") : nil
    }
    return (names ?? []).sorted()
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
