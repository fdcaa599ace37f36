// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport

/// A failure of a file or of the catalogue. Switch on `code`; show `description` to people.
package struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Code: Hashable, Sendable {
    /// The file, or a directory in its path, does not exist.
    case vanished
    /// The system refuses to open the file.
    case unreadable
    /// The process, or the system, has no free descriptor: temporary.
    case exhausted
    /// A directory, a device, a FIFO, a socket.
    case notAFile
    /// A key or a catalogue: see `PrivateContent`.
    case isPrivate
    /// The file changed since or while it was hashed.
    case changed
    /// I/O error of the device.
    case inputOutput
    /// The caller cancelled the work.
    case cancelled
    /// The name is already taken.
    case exists
    /// The system refuses to create the file: permissions, a read-only file system, a limit.
    case cannotCreate
    /// The file system is full, or the user's quota is used up.
    case noSpace
    /// The destination is not a directory.
    case notADirectory
    /// A file name of more than 255 bytes.
    case nameTooLong
    /// The stored hashes of a content are damaged: hash the file again.
    case damagedLayer
    /// A range outside the content or its tree.
    case invalidRange
    /// The database is damaged; it is replaced at the next start.
    case catalogueDamaged
    /// Another process uses the same state directory.
    case catalogueInUse
    /// Another failure of the database, for example one written by a newer version.
    case catalogueFailed
  }

  package let code: Code
  /// The path, or a name for a subject without one.
  package let subject: String
  /// Shown to people after the subject and a colon.
  package let reason: String

  package init(_ code: Code, _ subject: String, _ reason: String) {
    self.code = code
    self.subject = subject
    self.reason = reason
  }

  package var description: String { "\(subject): \(reason)" }
}

extension StoreError {
  /// SQLite has met damage. Its own message would tell the user nothing.
  static func damagedCatalogue(_ path: String) -> StoreError {
    StoreError(
      .catalogueDamaged, path,
      "is damaged: this peer restarts and takes over what can be read; try again in a few seconds")
  }

  /// For a failure to open or read a file.
  static func reading(_ path: String, _ number: CInt) -> StoreError {
    let code: Code =
      switch number {
      case ENOENT, ENOTDIR, ESTALE: .vanished
      case EISDIR, ENXIO, ENODEV: .notAFile
      case EIO: .inputOutput
      case EMFILE, ENFILE: .exhausted
      default: .unreadable
      }
    return StoreError(code, path, SystemError(number).description)
  }

  /// For a failure to create, write or rename a file.
  /// Whether the file system takes no changes now.
  package var isReadOnly: Bool { code == .cannotCreate && reason == SystemError(EROFS).description }

  static func writing(_ path: String, _ number: CInt) -> StoreError {
    let code: Code =
      switch number {
      case ENOSPC, EDQUOT: .noSpace
      case ENOTDIR: .notADirectory
      case ENAMETOOLONG: .nameTooLong
      case EEXIST, EISDIR, ENOTEMPTY: .exists
      case EIO: .inputOutput
      case EMFILE, ENFILE: .exhausted
      default: .cannotCreate
      }
    guard code != .noSpace else {
      return StoreError(code, path, "\(SystemError(number)): free some space on its file system, then try again")
    }
    return StoreError(code, path, SystemError(number).description)
  }
}
