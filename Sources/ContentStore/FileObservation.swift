// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import Glibc

/// What is at the path of a share.
package enum FileObservation: Equatable, Sendable {
  /// A regular file that can be read.
  case file(FileFingerprint, FileAccess = FileAccess())
  /// Nothing that may be shared: no file, another kind of file, a file behind a symbolic link, an unreadable file.
  case missing
  /// Cannot be told now: descriptors or memory have run out, or the device fails.
  case unknown

  /// Opens the file, because permissions alone do not tell whether it can be read. Blocks.
  /// - Parameter known: of a file with this fingerprint the access does not matter, and is not looked up.
  package init(at path: String, known: FileFingerprint? = nil) {
    do throws(StoreError) {
      let status = try OpenFile.reading(path).status
      let fingerprint = FileFingerprint(status)
      self = .file(fingerprint, fingerprint == known ? FileAccess() : FileAccess(status, at: path))
    } catch {
      self =
        switch error.code {
        case .vanished, .notAFile, .unreadable: .missing
        default: .unknown
        }
    }
  }

  package var fingerprint: FileFingerprint? {
    if case .file(let fingerprint, _) = self { fingerprint } else { nil }
  }
}

/// Who may read a file, and under how many names it is known.
package struct FileAccess: Hashable, Sendable {
  /// Permission bits of chmod(2).
  package let permissions: UInt32
  /// Number of hard links.
  package let links: UInt64
  /// Whether another user, root aside, can have put the file at its path.
  package let isExposed: Bool

  package init(permissions: UInt32 = 0o644, links: UInt64 = 1, isExposed: Bool = false) {
    self.permissions = permissions & 0o7777
    self.links = links
    self.isExposed = isExposed
  }

  package init(_ status: stat, at path: String) {
    self.init(
      permissions: UInt32(status.st_mode), links: UInt64(status.st_nlink),
      isExposed: ![0, geteuid()].contains(status.st_uid) || Self.isExposed(path))
  }

  /// Whether another user can rename what lies on the way to the file: a private directory that takes the place of a shared
  /// one would be published although its files look like the old ones. In a directory with the sticky bit of chmod(2) only
  /// owners rename.
  private static func isExposed(_ path: String) -> Bool {
    var rest = path[...]
    while let slash = rest.utf8.lastIndex(of: UInt8(ascii: "/")) {
      rest = rest[..<slash]
      var status = stat()
      guard lstat(rest.isEmpty ? "/" : String(rest), &status) == 0 else { return true }
      guard [0, geteuid()].contains(status.st_uid) else { return true }
      // The group that is the user's alone: by convention it has the user's number.
      let isOwnGroup = status.st_gid == getegid() && status.st_gid == geteuid()
      let others: mode_t = isOwnGroup ? S_IWOTH : S_IWOTH | S_IWGRP
      if status.st_mode & others != 0, status.st_mode & S_ISVTX == 0 { return true }
    }
    return false
  }

  package var isExecutable: Bool { permissions & 0o111 != 0 }

  /// Whether a file that has taken the place of one with `old` permissions may be published in its stead. A hard link, a
  /// file that fewer people may read, or one at a path where others can rename, was perhaps put there by somebody who can
  /// write in the directory but not read the file.
  package func mayReplace(_ old: UInt32) -> Bool {
    let readers: UInt32 = 0o044
    return links == 1 && !isExposed && old & readers & ~permissions == 0
  }
}
