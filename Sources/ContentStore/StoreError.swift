// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What went wrong with a file or with the catalogue: switch on `code`; show `description` to people.
package struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Code: Hashable, Sendable {
    /// No such file, or a directory on the way to it is gone.
    case vanished
    /// The system refuses to open it.
    case unreadable
    /// A directory, a device, a FIFO, a socket.
    case notAFile
    /// No longer what was hashed, or changed while it was being hashed.
    case changed
    /// The device failed.
    case inputOutput
    /// Whoever asked for the work no longer wants it.
    case cancelled
    /// Something else stands under the name already.
    case exists
    /// The system refuses to create the file: rights, a read-only file system, a limit.
    case cannotCreate
    /// No room on the file system, or the user's quota is used up.
    case noSpace
    /// Where the file should go is no directory.
    case notADirectory
    /// More than the 255 bytes that a file name has.
    case nameTooLong
    /// The hashes that are kept of a content do not belong to it: hash the file again.
    case damagedLayer
    /// Outside the content or outside its tree.
    case invalidRange
    /// The database file is broken; it is moved aside at the next start.
    case catalogueDamaged
    /// Another process uses the same state directory.
    case catalogueInUse
    /// The database refused for another reason, such as one made by a newer version.
    case catalogueFailed
  }

  package let code: Code
  /// The path, or a word for what has none.
  package let subject: String
  /// A sentence part, fit to be shown to a person behind the subject and a colon.
  package let reason: String

  package init(_ code: Code, _ subject: String, _ reason: String) {
    self.code = code
    self.subject = subject
    self.reason = reason
  }

  package var description: String { "\(subject): \(reason)" }
}

extension StoreError {
  /// The text that errno(3) has for a number.
  static func text(_ number: CInt) -> String { String(cString: strerror(number)) }

  /// A file could not be opened or read.
  static func reading(_ path: String, _ number: CInt) -> StoreError {
    let code: Code =
      switch number {
      case ENOENT, ENOTDIR, ESTALE: .vanished
      case EISDIR, ENXIO, ENODEV: .notAFile
      case EIO: .inputOutput
      default: .unreadable
      }
    return StoreError(code, path, text(number))
  }

  /// A file could not be created, written or named.
  static func writing(_ path: String, _ number: CInt) -> StoreError {
    let code: Code =
      switch number {
      case ENOSPC, EDQUOT: .noSpace
      case ENOTDIR: .notADirectory
      case ENAMETOOLONG: .nameTooLong
      case EEXIST, EISDIR, ENOTEMPTY: .exists
      case EIO: .inputOutput
      default: .cannotCreate
      }
    return StoreError(code, path, text(number))
  }
}
