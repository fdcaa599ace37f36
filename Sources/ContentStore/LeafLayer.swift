// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// All leaves of a content, proven to have its root. Small ones are held in memory, large ones in a file that is
/// removed with the last reference unless the catalogue takes it over.
package struct LeafLayer: Sendable {
  enum Storage: Sendable {
    /// One block or none: the root says it all.
    case implied
    case memory([UInt8])
    case file(LayerFile)
  }

  package let content: Content
  let storage: Storage

  /// Up to this many leaves (16 MiB of content) a layer is held in memory and kept in the database, where a batch of
  /// small files costs one flush; larger ones get a file each.
  static let maxLeavesInMemory: Int64 = 1024
}
