// SPDX-License-Identifier: Apache-2.0

/// Why there is no identity to work with: what is wrong with which file, and what to do next.
package struct IdentityError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Code: Hashable, Sendable {
    /// The file holds no P-256 key in PEM.
    case notAKey
    /// Others could read the key.
    case exposed
    /// A symbolic link, a directory or anything else that is no regular file.
    case notAFile
    /// The file belongs to another user.
    case foreign
    /// The system refused to read it.
    case unreadable
    /// The system refused to create it.
    case cannotCreate
  }

  package let code: Code
  package let path: String
  /// A sentence part, fit to be shown to a person behind the path.
  package let reason: String

  package var description: String { "\(path) \(reason)" }
}
