import CProcess
import Glibc
import Synchronization

/// A file in the making: hidden and private until it is whole, then under its name at once.
///
/// Recorded in the catalogue before it is created. What is dropped without `commit` is removed. Parts may be written
/// and read from several threads; `commit` and `abort` come after the last write.
package final class PartialFile: Sendable {
  package let size: Int64
  package let file: OpenFile
  /// Give it to `Catalogue.add(_:hashed:forgetting:)` together with the share, or to `forgetTemporary`, after `commit`.
  package let temporaryPath: String

  private let target: DownloadTarget
  private let temporaryName: String
  private let catalogue: Catalogue
  /// Whether the temporary name is ours to remove.
  private let isPending = Mutex(true)

  /// Creates the file and reserves its space.
  /// - Parameter random: makes the temporary name unique.
  /// - Throws: `.noSpace` before a byte is fetched; `.cannotCreate`, `.nameTooLong`, `.notADirectory`; what the
  ///   catalogue throws.
  package init(
    target: DownloadTarget, size: Int64, catalogue: Catalogue,
    random: UInt64 = .random(in: .min ... .max)
  ) throws(StoreError) {
    temporaryName = FileName.temporary(for: target.name, random: random)
    temporaryPath = target.path(of: temporaryName)
    self.target = target
    self.size = size
    self.catalogue = catalogue
    try Self.checkSpace(for: size, in: target.directory)
    try catalogue.recordTemporary(temporaryPath)
    let descriptor = openat(
      target.directory.descriptor, temporaryName, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      let number = errno
      try? catalogue.forgetTemporary(temporaryPath)
      throw .writing(target.path, number)
    }
    // All members are set: from here on the end of this object removes the file, also where this throws.
    file = OpenFile(descriptor: descriptor, path: target.path)
    try reserve()
  }

  deinit { abort() }

  /// Writes a part; nothing may lie beyond the size.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(StoreError) {
    guard offset >= 0, Int64(bytes.count) <= size, offset <= size - Int64(bytes.count) else {
      throw StoreError(.invalidRange, target.path, "has \(size) bytes")
    }
    try file.write(bytes, at: offset)
  }

  /// Makes the file durable and gives it its name.
  /// - Parameter replacing: whether a file that has the name goes.
  /// - Returns: the fingerprint to share it by.
  /// - Throws: `.exists`; `.noSpace`, `.inputOutput`: then the file is still in the making.
  package func commit(replacing: Bool = false) throws(StoreError) -> FileFingerprint {
    guard fchmod(file.descriptor, 0o666 & ~CreationMask.current) == 0 else { throw .writing(target.path, errno) }
    try file.synchronize()
    if replacing {
      try target.checkReplaceable()
      guard renameat(directory, temporaryName, directory, target.name) == 0 else { throw .writing(target.path, errno) }
    } else {
      try renameExclusively()
    }
    isPending.withLock { $0 = false }
    try target.directory.synchronize()
    return try file.fingerprint()
  }

  /// Removes what was fetched so far. No effect after `commit`.
  package func abort() {
    let wasPending = isPending.withLock { pending in
      defer { pending = false }
      return pending
    }
    guard wasPending else { return }
    // A record that outlives its file does no harm; a file that outlives its record would.
    if unlinkat(directory, temporaryName, 0) == 0 || errno == ENOENT {
      try? catalogue.forgetTemporary(temporaryPath)
    }
  }

  private var directory: CInt { target.directory.descriptor }

  private func renameExclusively() throws(StoreError) {
    let number = file_rename_exclusively(directory, temporaryName, directory, target.name)
    guard number != 0 else { return }
    guard number == EINVAL || number == ENOSYS || number == ENOTSUP else { throw .writing(target.path, number) }
    // Some file systems cannot rename so; a link never replaces anything either.
    guard linkat(directory, temporaryName, directory, target.name, 0) == 0 else { throw .writing(target.path, errno) }
    unlinkat(directory, temporaryName, 0)
  }

  /// Says no at once, and how much is missing; what others write meanwhile is found out by `reserve`.
  private static func checkSpace(for size: Int64, in directory: OpenFile) throws(StoreError) {
    var status = statvfs()
    guard fstatvfs(directory.descriptor, &status) == 0 else { return }
    let (free, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    guard !overflow, UInt64(max(size, 0)) > free else { return }
    throw StoreError(.noSpace, directory.path, "has \(free) bytes left, and \(size) are needed")
  }

  private func reserve() throws(StoreError) {
    guard size > 0 else { return }
    let number = file_allocate(file.descriptor, size)
    guard number != 0 else { return }
    // Not every file system can; a hole is what there is then.
    guard number == EOPNOTSUPP || number == ENOSYS || number == EINVAL else { throw .writing(target.path, number) }
    guard ftruncate(file.descriptor, off_t(size)) == 0 else { throw .writing(target.path, errno) }
  }
}
