// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import Synchronization

/// An unfinished file: private and unnamed while it is written; `commit` gives it its name atomically.
///
/// An unnamed file (O_TMPFILE in open(2)) vanishes with its process. If the file system does not support it, and to
/// replace a file, the file gets a hidden name, which is recorded in the catalogue before it is created. Without `commit`
/// the file is removed with this object, unless it outlives the process: then the record of its download names it.
/// Several threads may write; call `commit` or `abort` after the last write.
///
/// Space is reserved by the first write, not for a size that nobody has proven.
package final class PartialFile: Sendable {
  package let size: Int64
  package let file: OpenFile

  private let target: DownloadTarget
  private let catalogue: Catalogue
  private let random: UInt64
  private let state: Mutex<State>

  private struct State {
    /// The hidden name of a file that is not committed.
    var pending: String?
    /// The path recorded in the catalogue among the temporary files.
    var recorded: String?
  }

  /// Whether only `abort` removes the file, not the end of this object.
  private let isKept: Bool
  /// Whether the space is reserved.
  private let isReserved: Atomic<Bool>
  private let reserving = Mutex<Void>(())

  /// O_TMPFILE, a macro that Swift does not import: __O_TMPFILE and O_DIRECTORY.
  private static let unnamed: CInt = 0o20_000_000 | O_DIRECTORY

  /// Creates the file. Checks that its space is free.
  /// - Parameters:
  ///   - mayBeUnnamed: false forces a hidden name.
  ///   - random: makes the hidden name unique.
  /// - Throws: `.noSpace`, `.cannotCreate`, `.nameTooLong`, `.notADirectory`; the errors of the catalogue.
  package init(
    target: DownloadTarget, size: Int64, catalogue: Catalogue, mayBeUnnamed: Bool = true,
    random: UInt64 = .random(in: .min ... .max)
  ) throws(StoreError) {
    self.target = target
    self.size = size
    self.catalogue = catalogue
    self.random = random
    isKept = false
    isReserved = Atomic(false)
    try Self.checkSpace(for: size, in: target.directory)
    if mayBeUnnamed, let descriptor = Self.createUnnamed(in: target.directory) {
      state = Mutex(State())
      file = OpenFile(descriptor: descriptor, path: target.path)
    } else {
      let name = FileName.temporary(for: target.name, random: random)
      let path = target.path(of: name)
      try catalogue.recordTemporary(path)
      let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
      let descriptor = openat(target.directory.descriptor, name, flags, 0o600)
      guard descriptor >= 0 else {
        let number = errno
        try? catalogue.forgetTemporary(path)
        throw .writing(target.path, number)
      }
      state = Mutex(State(pending: name, recorded: path))
      file = OpenFile(descriptor: descriptor, path: target.path)
    }
  }

  /// A new file that outlives the process.
  /// - Parameter name: its hidden name, which the catalogue has recorded with the download.
  /// - Throws: `.noSpace`, `.cannotCreate`, `.nameTooLong`, `.notADirectory`.
  convenience init(keeping name: String, target: DownloadTarget, size: Int64, catalogue: Catalogue) throws(StoreError) {
    try Self.checkSpace(for: size, in: target.directory)
    let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let descriptor = openat(target.directory.descriptor, name, flags, 0o600)
    guard descriptor >= 0 else { throw .writing(target.path, errno) }
    self.init(kept: name, descriptor, isReserved: false, target, size, catalogue)
  }

  /// The file of an earlier process. `nil` if there is none, or another kind of file, or one that is too large.
  /// - Throws: `.noSpace` if the rest does not fit; `.exhausted`, `.inputOutput`.
  convenience init?(resuming name: String, target: DownloadTarget, size: Int64, catalogue: Catalogue) throws(StoreError)
  {
    // O_NONBLOCK: opening a FIFO would wait for a writer.
    let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
    let descriptor = openat(target.directory.descriptor, name, flags)
    guard descriptor >= 0 else {
      let error = StoreError.reading(target.path, errno)
      guard error.code == .exhausted || error.code == .inputOutput else { return nil }
      throw error
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
      status.st_nlink == 1, Int64(status.st_size) <= size
    else {
      close(descriptor)
      return nil
    }
    // The size is that of the content only after the space was reserved.
    let isReserved = Int64(status.st_size) == size
    self.init(kept: name, descriptor, isReserved: isReserved, target, size, catalogue)
    if !isReserved { try Self.checkSpace(for: size - Int64(status.st_blocks) * 512, in: target.directory) }
  }

  private init(
    kept name: String, _ descriptor: CInt, isReserved: Bool, _ target: DownloadTarget, _ size: Int64,
    _ catalogue: Catalogue
  ) {
    self.target = target
    self.size = size
    self.catalogue = catalogue
    random = 0
    isKept = true
    self.isReserved = Atomic(isReserved)
    state = Mutex(State(pending: name))
    file = OpenFile(descriptor: descriptor, path: target.path)
  }

  deinit {
    if !isKept { abort() }
  }

  /// Recorded paths. After `commit`, pass them to `Catalogue.add(_:hashed:forgetting:)` with the share, or to
  /// `forgetTemporary`.
  package var temporaryPaths: [String] { state.withLock { $0.recorded.map { [$0] } ?? [] } }

  /// Whether unnamed files can get a name.
  private static let mayName = access("/proc/self/fd", X_OK) == 0

  /// `nil` if the file system does not support it, or /proc, needed to name it later, is missing.
  private static func createUnnamed(in directory: OpenFile) -> CInt? {
    guard mayName else { return nil }
    let descriptor = openat(directory.descriptor, ".", unnamed | O_RDWR | O_CLOEXEC, 0o600)
    return descriptor >= 0 ? descriptor : nil
  }

  /// Writes a part.
  /// - Throws: `.invalidRange` beyond the size; the errors of writing.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(StoreError) {
    guard offset >= 0, Int64(bytes.count) <= size, offset <= size - Int64(bytes.count) else {
      throw StoreError(.invalidRange, target.path, "has \(size) bytes")
    }
    if Int64(bytes.count) == size {
      // No space has to be kept for later.
      guard ftruncate(file.descriptor, off_t(size)) == 0 else { throw .writing(target.path, errno) }
    } else if !isReserved.load(ordering: .acquiring) {
      try reserve()
    }
    for part in ZeroRuns.parts(of: bytes, at: offset) {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[part.range])
      let start = offset + Int64(part.range.lowerBound)
      // Space may be reserved for zeros, too: a hole gives it back and reads as zeros.
      if part.isZero, file_punch_hole(file.descriptor, start, Int64(rest.count)) == 0 { continue }
      try file.write(rest, at: start)
    }
  }

  /// Flushes what was written, and the hidden name of a file that outlives the process, to the device.
  func synchronizeData() throws(StoreError) {
    try file.synchronizeData()
    if isKept { try target.directory.synchronize() }
  }

  /// Checks that directory and file were not removed meanwhile: bytes written now would be lost.
  /// - Throws: `.cannotCreate`.
  func checkPlace() throws(StoreError) {
    try target.checkPlace()
    var status = stat()
    guard isKept, state.withLock({ $0.pending != nil }) else { return }
    guard fstat(file.descriptor, &status) == 0, status.st_nlink > 0 else {
      throw StoreError(.cannotCreate, target.path, "has lost its unfinished file: somebody removed it")
    }
  }

  /// Reads back what was written.
  package func read(_ count: Int, at offset: Int64) throws(StoreError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let filled = try bytes.withUnsafeMutableBytes { buffer in
      Result { () throws(StoreError) in try file.read(into: buffer, at: offset) }
    }.get()
    guard filled == count else { throw StoreError(.inputOutput, target.path, "is shorter than what was written") }
    return bytes
  }

  /// Names that are tried beside the target.
  private static let maxNames = 100

  /// Gives a complete file, whose name was taken meanwhile, a name beside it: `paper.pdf.1`.
  /// - Returns: its path.
  package func commitBeside(_ attributes: FileAttributes = FileAttributes()) throws(StoreError) -> String {
    for number in 1...Self.maxNames {
      let name = FileName.numbered(target.name, number)
      do throws(StoreError) {
        _ = try commit(as: name, attributes)
        return target.path(of: name)
      } catch {
        guard error.code == .exists else { throw error }
      }
    }
    throw StoreError(.exists, target.path, "has \(Self.maxNames) files beside it: choose another name with -o")
  }

  /// Flushes the file to the device and gives it its name.
  /// - Parameter replacing: whether to replace a file that has the name.
  /// - Returns: the fingerprint of the named file.
  /// - Throws: `.exists`, `.noSpace`, `.inputOutput`; `commit` may then be called again.
  package func commit(
    replacing: Bool = false, _ attributes: FileAttributes = FileAttributes()
  ) throws(StoreError) -> FileFingerprint {
    try commit(as: target.name, replacing: replacing, attributes)
  }

  private func commit(
    as final: String, replacing: Bool = false, _ attributes: FileAttributes
  ) throws(StoreError) -> FileFingerprint {
    try checkPlace()
    try apply(attributes)
    try file.synchronize()
    try name(as: final, replacing: replacing)
    try target.directory.synchronize()
    return try file.fingerprint()
  }

  func apply(_ attributes: FileAttributes) throws(StoreError) {
    guard attributes.apply(to: file.descriptor) else { throw .writing(target.path, errno) }
  }

  /// Gives a file that was flushed its name, after `checkPlace`; the directory is not flushed.
  func name(replacing: Bool) throws(StoreError) -> FileFingerprint {
    try name(as: target.name, replacing: replacing)
    return try file.fingerprint()
  }

  private func name(as final: String, replacing: Bool) throws(StoreError) {
    if replacing {
      try target.checkReplaceable()
      let name = try hiddenName()
      guard renameat(directory, name, directory, final) == 0 else { throw .writing(target.path, errno) }
    } else if let name = state.withLock({ $0.pending }) {
      try renameExclusively(name, as: final)
    } else {
      try link(as: final)
    }
    state.withLock { $0.pending = nil }
  }

  /// Removes the file. No effect after `commit`.
  package func abort() {
    let (name, path) = state.withLock { state in
      defer { state.pending = nil }
      return (state.pending, state.recorded)
    }
    guard let name else { return }
    // A record without a file is harmless; a file without a record would never be removed.
    if unlinkat(directory, name, 0) == 0 || errno == ENOENT, let path {
      try? catalogue.forgetTemporary(path)
    }
  }

  private var directory: CInt { target.directory.descriptor }

  /// Gives an unnamed file a hidden name: rename(2), which replaces a file, needs one.
  private func hiddenName() throws(StoreError) -> String {
    if let name = state.withLock({ $0.pending }) { return name }
    let name = FileName.temporary(for: target.name, random: random)
    let path = target.path(of: name)
    try catalogue.recordTemporary(path)
    state.withLock { $0.recorded = path }
    try link(as: name)
    state.withLock { $0.pending = name }
    return name
  }

  /// link(2) never replaces a file.
  private func link(as name: String) throws(StoreError) {
    let source = "/proc/self/fd/\(file.descriptor)"
    guard linkat(AT_FDCWD, source, directory, name, AT_SYMLINK_FOLLOW) == 0 else { throw .writing(target.path, errno) }
  }

  private func renameExclusively(_ name: String, as final: String) throws(StoreError) {
    let number = file_rename_exclusively(directory, name, directory, final)
    guard number != 0 else { return }
    guard number == EINVAL || number == ENOSYS || number == ENOTSUP else { throw .writing(target.path, number) }
    // Some file systems do not support renameat2(2).
    guard linkat(directory, name, directory, final, 0) == 0 else { throw .writing(target.path, errno) }
    unlinkat(directory, name, 0)
  }

  /// Refuses immediately and names the free space. `reserve` detects what others write meanwhile.
  static func checkSpace(for size: Int64, in directory: OpenFile) throws(StoreError) {
    var status = statvfs()
    guard fstatvfs(directory.descriptor, &status) == 0, let free = FreeSpace.bytes(status) else { return }
    guard UInt64(max(size, 0)) > free else { return }
    throw .full(directory.path, need: size)
  }

  private func reserve() throws(StoreError) {
    try reserving.withLock { _ in
      Result { () throws(StoreError) in
        guard !isReserved.load(ordering: .acquiring) else { return }
        try allocate()
        isReserved.store(true, ordering: .releasing)
      }
    }.get()
  }

  private func allocate() throws(StoreError) {
    guard size > 0 else { return }
    let number = file_allocate(file.descriptor, size)
    guard number != 0 else { return }
    // Not supported by every file system; a sparse file is the fallback.
    guard number == EOPNOTSUPP || number == ENOSYS || number == EINVAL else { throw .writing(target.path, number) }
    guard ftruncate(file.descriptor, off_t(size)) == 0 else { throw .writing(target.path, errno) }
  }
}
