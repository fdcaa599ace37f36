// SPDX-License-Identifier: Apache-2.0

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
  package init(at path: String) {
    do throws(StoreError) {
      let status = try OpenFile.reading(path).status
      self = .file(FileFingerprint(status), FileAccess(status))
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

  package init(permissions: UInt32 = 0o644, links: UInt64 = 1) {
    self.permissions = permissions & 0o7777
    self.links = links
  }

  package init(_ status: stat) {
    self.init(permissions: UInt32(status.st_mode), links: UInt64(status.st_nlink))
  }

  package var isExecutable: Bool { permissions & 0o111 != 0 }

  /// Whether a file that has taken the place of one with `old` permissions may be published in its stead. A hard link, or a
  /// file that fewer people may read, was perhaps put there by somebody else who can write in the directory but not read
  /// the file.
  package func mayReplace(_ old: UInt32) -> Bool {
    let readers: UInt32 = 0o044
    return links == 1 && old & readers & ~permissions == 0
  }
}
