// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Synchronization

/// The unfinished file of a download: bytes and leaves in any order, and which pieces are whole.
///
/// Calls block; safe from several threads. A file that outlives the process is left as it is when the object ends; a
/// temporary one vanishes with it. Memory: about 64 bytes for each 8 MiB of content, and the leaves of a temporary file of
/// up to 16 MiB.
///
/// A process killed between any two system calls leaves a file that its record names and the next process resumes. A piece
/// is noted only after its bytes were written. After a power failure only what was flushed counts. In both cases nothing is
/// served or finished before `check` has read it again.
package final class PieceFile: Sendable {
  package let content: Content
  package let target: DownloadTarget
  /// Whether it is read while it is fetched, so it is wanted from the start to the end.
  package let isInOrder: Bool

  let tree: UnitTree
  let data: PartialFile
  let draft: LayerDraft
  let catalogue: Catalogue
  /// What is kept; `nil` for a temporary file.
  let kept: Kept?
  let state: Mutex<State>
  /// Held while a byte of the written map is written, so that the last write has all bits.
  private let mapping = Mutex<Void>(())
  /// Whether the side file may have become the layer of the finished file. Held while it is flushed.
  private let isFinished = Mutex(false)

  struct Kept: Sendable {
    let download: Int64
    /// The hidden path of the data.
    let path: String
    let side: SideFile
  }

  struct State: Sendable {
    /// Written, whether proven now or not.
    var pieces: PieceSet
    /// Written by an earlier process and not checked since.
    var unproven: PieceSet
    var nodes: ProvenNodes
    /// Units whose leaves are stored and proven.
    var leaves: PieceSet
    /// Units whose leaves an earlier process may have stored.
    var unread: PieceSet

    init(tree: UnitTree) {
      pieces = PieceSet(count: Int(tree.geometry.pieceCount))
      unproven = pieces
      nodes = ProvenNodes(tree: tree)
      leaves = PieceSet(count: tree.unitCount)
      unread = leaves
    }
  }

  /// Nothing is kept: an unnamed file (O_TMPFILE). For contents of one piece.
  /// - Throws: `.noSpace`, `.cannotCreate`, `.nameTooLong`, `.notADirectory`; the errors of the catalogue.
  package convenience init(
    temporary target: DownloadTarget, content: Content, catalogue: Catalogue
  ) throws(StoreError) {
    let data = try PartialFile(target: target, size: content.size, catalogue: catalogue)
    let tree = try Self.tree(of: content)
    let draft = try catalogue.layers.draft(size: content.size)
    try self.init(tree, target, false, catalogue, data, draft, nil, State(tree: tree))
  }

  init(
    _ tree: UnitTree, _ target: DownloadTarget, _ isInOrder: Bool, _ catalogue: Catalogue, _ data: PartialFile,
    _ draft: LayerDraft, _ kept: Kept?, _ initial: State
  ) throws(StoreError) {
    content = tree.content
    self.target = target
    self.isInOrder = isInOrder
    self.tree = tree
    self.data = data
    self.draft = draft
    self.catalogue = catalogue
    self.kept = kept
    var initial = initial
    if tree.geometry.blockCount == 1 {
      // The root is the leaf.
      try draft.put(content.root.bytes, from: 0)
      initial.leaves.insert(0)
    }
    state = Mutex(initial)
  }

  /// 64 MiB of nodes.
  private static let maxWidth = 1 << 20
  /// Of a content that can be downloaded, in bytes: 8 TiB.
  package static let maximumSize = Int64(maxWidth) * LayerFile.groupLength * PieceGeometry.blockLength

  static func tree(of content: Content) throws(StoreError) -> UnitTree {
    let tree = UnitTree(content: content)
    guard tree.width <= maxWidth else {
      throw StoreError(.cannotCreate, "\(content)", "is larger than 8 TiB, which this program cannot download")
    }
    return tree
  }

  // MARK: Pieces

  /// Pieces that are written: proven, or by an earlier process and unproven.
  package var pieces: PieceSet { state.withLock { $0.pieces } }

  /// Pieces of an earlier process that were not read again yet. Do not serve them.
  package var unproven: PieceSet { state.withLock { $0.unproven } }

  /// Pieces that may be served.
  package var proven: PieceSet { state.withLock { $0.pieces.subtracting($0.unproven) } }

  /// Whether the piece may be served.
  package func isProven(_ piece: Int) -> Bool {
    state.withLock { $0.pieces.contains(piece) && !$0.unproven.contains(piece) }
  }

  /// Marks a piece as written and proven. Call it after all its verified blocks were written. Does not wait for the device.
  /// - Throws: `.cannotCreate` if the file or its directory was removed; the errors of writing the map.
  package func complete(_ piece: Int) throws(StoreError) {
    try data.checkPlace()
    let isNew = state.withLock { state in
      state.unproven.remove(piece)
      return state.pieces.insert(piece)
    }
    if isNew { try store(piece) }
  }

  /// Reads an unproven piece again. Whatever does not match the stored leaves is missing afterwards.
  /// - Returns: whether the piece is proven now.
  /// - Throws: errors of writing the map.
  package func check(_ piece: Int) throws(StoreError) -> Bool {
    guard unproven.contains(piece) else { return isProven(piece) }
    let isRight = matches(piece)
    let isLost = state.withLock { state in
      guard state.unproven.remove(piece), !isRight else { return false }
      return state.pieces.remove(piece)
    }
    if isLost { try store(piece) }
    return isProven(piece)
  }

  /// What cannot be read does not match.
  private func matches(_ piece: Int) -> Bool {
    let length = tree.geometry.pieceLength / PieceGeometry.blockLength
    let first = Int64(piece) * length
    let last = min(first + length, tree.geometry.blockCount)
    guard first < last else { return false }
    for unit in tree.units(of: first..<last) {
      let blocks = tree.blocks(of: unit).clamped(to: first..<last)
      guard let leaves = try? leaves(from: blocks.lowerBound, count: blocks.count), matches(blocks, leaves) else {
        return false
      }
    }
    return true
  }

  private static let chunk = 256 << 10

  private func matches(_ blocks: Range<Int64>, _ leaves: [UInt8]) -> Bool {
    var verifier = BlockVerifier(content: content, firstBlock: blocks.lowerBound, leaves: leaves)
    var offset = tree.geometry.blockRange(blocks.lowerBound).lowerBound
    let end = tree.geometry.blockRange(blocks.upperBound - 1).upperBound
    while offset < end {
      guard let bytes = try? read(Int(min(end - offset, Int64(Self.chunk))), at: offset) else { return false }
      guard case .verified = bytes.withUnsafeBytes({ verifier.append($0) }) else { return false }
      offset += Int64(bytes.count)
    }
    return verifier.isComplete
  }

  private func store(_ piece: Int) throws(StoreError) {
    guard let side = kept?.side else { return }
    try mapping.withLock { _ in
      Result { () throws(StoreError) in
        try side.write(state.withLock { $0.pieces.byte(piece / 8) }, index: piece / 8)
      }
    }.get()
  }

  // MARK: Bytes

  /// For sendfile(2).
  package var file: OpenFile { data.file }

  /// Writes verified bytes. The first write reserves the space of the whole content.
  /// - Throws: `.invalidRange` beyond the size; `.noSpace`, the errors of writing.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(StoreError) {
    try data.write(bytes, at: offset)
  }

  /// - Throws: `.inputOutput` if the file is shorter than that; the errors of reading.
  package func read(_ count: Int, at offset: Int64) throws(StoreError) -> [UInt8] {
    guard count >= 0, offset >= 0, offset <= content.size - Int64(count) else {
      throw StoreError(.invalidRange, target.path, "has \(content.size) bytes")
    }
    return try data.read(count, at: offset)
  }

  /// Flushes data, leaves and the pieces written so far to the device: they survive a power failure. No effect on a
  /// temporary file.
  package func synchronize() throws(StoreError) {
    guard let side = kept?.side else { return }
    try isFinished.withLock { isFinished in
      Result { () throws(StoreError) in
        guard !isFinished else { return }
        let written = pieces
        try data.synchronizeData()
        try side.file.synchronize(isNamed: true)
        try side.write(.synced, written)
        try side.file.synchronize(isNamed: false)
      }
    }.get()
  }

  // MARK: The end

  /// Flushes the complete file and gives it its name. Pass the result to `Catalogue.add(_:hashed:forgetting:finishing:)`
  /// with `temporaryPaths` and the record; then `discard` removes what is left.
  ///
  /// A process killed between the two leaves the finished file at its target and a record that names files that are gone:
  /// look at `DownloadTarget.occupant` before resuming.
  /// - Throws: `.exists`, `.noSpace`, `.inputOutput`: `commit` may be called again; `.changed` if pieces are missing or
  ///   unproven; `.damagedLayer` if bytes on disk changed since they were verified.
  package func commit(replacing: Bool, _ attributes: FileAttributes) throws(StoreError) -> HashedFile {
    try checkComplete()
    let layer = try finishedLayer()
    let fingerprint = try data.commit(replacing: replacing, attributes)
    isFinished.withLock { $0 = true }
    // Just written: a change within the same clock tick would leave the same time stamp.
    return HashedFile(path: target.pathWithoutLinks, layer: layer, fingerprint: fingerprint, isRacy: true)
  }

  /// As `PartialFile.commitBeside`.
  package func commitBeside(_ attributes: FileAttributes) throws(StoreError) -> String {
    try checkComplete()
    let path = try data.commitBeside(attributes)
    isFinished.withLock { $0 = true }
    return path
  }

  private func checkComplete() throws(StoreError) {
    guard state.withLock({ $0.pieces.isFull && $0.unproven.isEmpty }) else {
      throw StoreError(.changed, target.path, "is not complete")
    }
  }

  /// `nil` if the last leaves are missing.
  private func storedLayer() throws(StoreError) -> LeafLayer? {
    do throws(StoreError) {
      return try draft.finish()
    } catch {
      guard error.code == .damagedLayer else { throw error }
      return nil
    }
  }

  private func finishedLayer() throws(StoreError) -> LeafLayer {
    if let layer = try storedLayer(), layer.content == content { return layer }
    // Leaves were damaged on disk, or an earlier process stored only some: all bytes are there to compute them again.
    var (block, step) = (Int64(0), Int64(Self.chunk) / PieceGeometry.blockLength)
    while block < tree.geometry.blockCount {
      step = min(step, tree.geometry.blockCount - block)
      let start = tree.geometry.blockRange(block).lowerBound
      let bytes = try read(Int(tree.geometry.blockRange(block + step - 1).upperBound - start), at: start)
      var leaves = [UInt8]()
      bytes.withUnsafeBytes { MerkleTree.appendLeaves(of: $0, to: &leaves) }
      try draft.put(leaves, from: block)
      block += step
    }
    let repaired = try draft.finish()
    guard repaired.content == content else {
      throw StoreError(.damagedLayer, target.path, "changed on disk while it was downloaded")
    }
    return repaired
  }

  /// Removes data and side file and what is recorded of them. After `commit` only what is not the finished file.
  package func discard() {
    data.abort()
    guard let kept else { return }
    isFinished.withLock { $0 = true }
    kept.side.file.remove()
    if catalogue.discardUnfinished(kept.path) { try? catalogue.forgetFiles(ofDownload: kept.download) }
  }

  /// Recorded paths of a temporary file that was given a name. Pass them to `Catalogue.add`.
  package var temporaryPaths: [String] { data.temporaryPaths }
}
