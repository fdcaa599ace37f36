// SPDX-License-Identifier: Apache-2.0

/// The rules for one name in a directory.
package enum FileName {
  /// On every file system in common use.
  package static let maximumLength = 255

  /// - Throws: `.nameTooLong`; `.cannotCreate` for what is no name at all.
  package static func check(_ name: String) throws(StoreError) {
    guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(0x2F), !name.utf8.contains(0) else {
      throw StoreError(.cannotCreate, name, "is no file name: say which with -o")
    }
    guard name.utf8.count <= maximumLength else {
      throw StoreError(
        .nameTooLong, name, "a file name has at most \(maximumLength) bytes, this one \(name.utf8.count): use -o")
    }
  }

  /// The name that a file has until it is whole: hidden, and short enough whatever the final one.
  static func temporary(for name: String, random: UInt64) -> String {
    let suffix = ".\(String(random, radix: 36)).p2p-part"
    var kept = name
    while kept.utf8.count + suffix.utf8.count + 1 > maximumLength { kept.removeLast() }
    return ".\(kept)\(suffix)"
  }
}
