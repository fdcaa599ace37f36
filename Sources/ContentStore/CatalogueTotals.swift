// SPDX-License-Identifier: Apache-2.0

/// What a catalogue holds in all.
package struct CatalogueTotals: Hashable, Sendable {
  /// Documents that are shared, not counting withdrawn ones.
  package let documents: Int64
  /// The sum of their sizes: a content under two keys counts twice.
  package let bytes: Int64

  package init(documents: Int64, bytes: Int64) {
    self.documents = documents
    self.bytes = bytes
  }
}
