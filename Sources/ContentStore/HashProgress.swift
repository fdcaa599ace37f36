// SPDX-License-Identifier: Apache-2.0

/// How far hashing has come.
package struct HashProgress: Sendable {
  /// Position of the file among those to hash.
  package let file: Int
  package let path: String
  /// In bytes, of this file.
  package let done: Int64
  package let total: Int64
}
