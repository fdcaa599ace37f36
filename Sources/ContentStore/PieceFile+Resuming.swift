// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc

/// Files that outlive the process.
extension PieceFile {
  /// A new file in place of those of the record: hidden beside its target, with a side file for leaves and maps. Both names
  /// are recorded before the files are created.
  /// - Parameters:
  ///   - record: gets the names, and an id if it has none.
  ///   - bootID: differs after a reboot.
  /// - Throws: `.noSpace`, `.cannotCreate`, `.nameTooLong`, `.notADirectory`; the errors of the catalogue.
  package convenience init(
    new record: inout DownloadRecord, target: DownloadTarget, catalogue: Catalogue, bootID: BootID = .current
  ) throws(StoreError) {
    let tree = try Self.tree(of: record.content)
    // Files that are recorded now would have no record any more.
    if let path = record.temporary { catalogue.discardUnfinished(path) }
    if let name = record.sideFile { catalogue.layers.removeSideFile(name) }
    let name = FileName.temporary(for: target.name, random: .random(in: .min ... .max))
    let sideName = LayerStore.sideName(random: .random(in: .min ... .max))
    (record.temporary, record.sideFile) = (target.path(of: name), sideName)
    if record.id == 0 {
      record.id = try catalogue.addDownload(record)
    } else {
      try catalogue.recordFiles(of: record)
    }
    let data = try PartialFile(keeping: name, target: target, size: record.content.size, catalogue: catalogue)
    do throws(StoreError) {
      let length = LayerStore.length(of: record.content)
      guard let file = try catalogue.layers.sideFile(sideName, isNew: true, length: length) else {
        throw StoreError(.cannotCreate, sideName, "is not a file")
      }
      let side = SideFile(file: file, tree: tree)
      try side.initialize(bootID: bootID, inode: try data.file.fingerprint().inode)
      let draft = LayerDraft(size: record.content.size, file: file)
      let kept = Kept(download: record.id, path: target.path(of: name), side: side)
      try self.init(tree, target, record.isStream, catalogue, data, draft, kept, State(tree: tree))
    } catch {
      data.abort()
      catalogue.layers.removeSideFile(sideName)
      throw error
    }
  }

  /// The file of an earlier process. If it is missing, damaged or not the one that was recorded, a new one is begun. Pieces
  /// that were written (in the same boot) or flushed (before a reboot) are unproven until `check`.
  /// - Parameters:
  ///   - record: gets the names of a new file.
  ///   - bootID: differs after a reboot.
  /// - Throws: `.noSpace`, `.cannotCreate`, `.exhausted`, `.inputOutput`; the errors of the catalogue.
  package convenience init(
    resuming record: inout DownloadRecord, target: DownloadTarget, catalogue: Catalogue, bootID: BootID = .current
  ) throws(StoreError) {
    guard let found = try Self.find(record, target, catalogue, bootID) else {
      try self.init(new: &record, target: target, catalogue: catalogue, bootID: bootID)
      return
    }
    let draft = LayerDraft(size: record.content.size, file: found.kept.side.file)
    try self.init(
      found.tree, target, record.isStream, catalogue, found.data, draft, found.kept, found.state)
  }

  /// What the files of a download have that is not open, without a look at the data: for people, not for serving. `nil` if
  /// it has no files.
  package static func writtenPieces(
    of record: DownloadRecord, catalogue: Catalogue, bootID: BootID = .current
  ) -> PieceSet? {
    guard let name = record.sideFile, let path = record.temporary, let tree = try? tree(of: record.content),
      let inode = inode(of: path),
      let file = try? catalogue.layers.sideFile(name, isNew: false, length: LayerStore.length(of: record.content))
    else { return nil }
    let side = SideFile(file: file, tree: tree)
    guard let written = try? side.bootID(inode: inode) else { return nil }
    return try? side.read(written == bootID ? .written : .synced)
  }

  private static func inode(of path: String) -> UInt64? {
    var status = stat()
    return lstat(path, &status) == 0 ? UInt64(status.st_ino) : nil
  }

  private struct Found {
    let tree: UnitTree
    let data: PartialFile
    let kept: Kept
    var state: State
  }

  private static func find(
    _ record: DownloadRecord, _ target: DownloadTarget, _ catalogue: Catalogue, _ bootID: BootID
  ) throws(StoreError) -> Found? {
    guard record.id != 0, let path = record.temporary, let sideName = record.sideFile,
      case let name = path.afterLastSlash, target.path(of: name) == path,
      let data = try PartialFile(resuming: name, target: target, size: record.content.size, catalogue: catalogue),
      let file = try catalogue.layers.sideFile(
        sideName, isNew: false, length: LayerStore.length(of: record.content))
    else { return nil }
    let tree = try tree(of: record.content)
    let side = SideFile(file: file, tree: tree)
    let inode = try data.file.fingerprint().inode
    guard let written = try side.bootID(inode: inode) else { return nil }
    var state = State(tree: tree)
    state.pieces = try side.read(written == bootID ? .written : .synced)
    state.unproven = state.pieces
    state.nodes.restore(try side.readNodes())
    state.unread.insert(0..<tree.unitCount)
    if written != bootID {
      // In this order: a process killed in between leaves the old boot id, and the synced map counts again.
      try side.write(.written, state.pieces)
      try side.write(bootID: bootID, inode: inode)
    }
    return Found(tree: tree, data: data, kept: Kept(download: record.id, path: path, side: side), state: state)
  }
}

extension Catalogue {
  /// Removes an unfinished file of a download, and nothing that only has its name. What cannot be removed now, in a directory
  /// that is read-only for example, is recorded for the next start.
  /// - Returns: false if it is there and could not be recorded.
  @discardableResult
  func discardUnfinished(_ path: String) -> Bool {
    var status = stat()
    guard path.hasSuffix(FileName.unfinishedSuffix), lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_uid == geteuid()
    else { return true }
    return unlink(path) == 0 || (try? recordTemporary(path)) != nil
  }
}
