// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A file that was read to its end and hashed.
package struct HashedFile: Sendable {
  package let path: String
  package let layer: LeafLayer
  /// The same before and after reading.
  package let fingerprint: FileFingerprint
  /// Changed so shortly before it was read that a later change could leave the same time stamps behind: its hash is
  /// right now, but not to be found again by the fingerprint.
  package let isRacy: Bool

  package var content: Content { layer.content }

  package init(path: String, layer: LeafLayer, fingerprint: FileFingerprint, isRacy: Bool) {
    self.path = path
    self.layer = layer
    self.fingerprint = fingerprint
    self.isRacy = isRacy
  }
}
