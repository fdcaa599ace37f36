// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel

/// How the fetch of one content ended. No thread works for it any more; what was verified is in the file.
package struct FetchOutcome: Sendable {
  package enum End: Sendable {
    case complete
    /// - Parameter holders: the number of holders that were tried.
    case noSource(SourceFailures, holders: Int)
    /// Every source sent wrong bytes.
    case wrongBytes(SourceFailures)
    case storage(StoreError)
    case cancelled
  }

  package let end: End
  /// Bytes from all sources, wasted ones included.
  package let received: Int64

  package init(_ end: End, received: Int64) {
    self.end = end
    self.received = received
  }
}

/// Fetches what is missing of a content into its file. Cancelling the task stops it.
/// - Parameters:
///   - home: the network in which the download began.
///   - gained: called from any thread when more is verified, about ten times a second.
package typealias FetchContent =
  @Sendable (
    _ file: PieceFile, _ home: Home, _ choice: SourceChoice, _ transfer: TransferHandle, _ limit: RateLimiter,
    _ gained: @escaping @Sendable () -> Void
  ) async -> FetchOutcome

/// What a download tells others while it is under way.
package struct PartialSharing: Sendable {
  /// Serve what the file has, in the network in which its download began.
  package var offer: @Sendable (PieceFile, Document, Home) async -> Void
  /// Another piece of an earlier process was read again and is right.
  package var gained: @Sendable (Content, Int) -> Void
  /// - Parameter isComplete: whether the document is shared as a whole now.
  package var withdraw: @Sendable (Document, Home, _ isComplete: Bool) async -> Void

  package init(
    offer: @escaping @Sendable (PieceFile, Document, Home) async -> Void,
    gained: @escaping @Sendable (Content, Int) -> Void,
    withdraw: @escaping @Sendable (Document, Home, _ isComplete: Bool) async -> Void
  ) {
    self.offer = offer
    self.gained = gained
    self.withdraw = withdraw
  }

  package static let none = PartialSharing(offer: { _, _, _ in }, gained: { _, _ in }, withdraw: { _, _, _ in })
}
