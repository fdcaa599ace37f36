// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import Synchronization

/// A file in the making: private and without a name until it is whole, then under its name at once.
///
/// A file without a name (O_TMPFILE of open(2)) goes by itself with whoever makes it. Where the file system has none, and to
/// replace a file, it gets a hidden name, which is recorded in the catalogue before it is created. What is dropped without
/// `commit` is removed. Parts may be written and read from several threads; `commit` and `abort` come after the last write.
package final class PartialFile: Sendable {
  package let size: Int64
  package let file: OpenFile

  private let target: DownloadTarget
  private let catalogue: Catalogue
  private let random: UInt64
  private let state: Mutex<State>

  private struct State {
    /// The hidden name, where it has one that is ours to remove.
    var pending: String?
    /// Where it has, or had, a hidden name.
    var recorded: String?
  }

  /// Of the glibc, which keeps it in a macro that Swift does not see: __O_TMPFILE and O_DIRECTORY.
  private static let unnamed: CInt = 0o20_000_000 | O_DIRECTORY

  /// Creates the file and reserves its space.
  /// - Parameters:
  ///   - mayBeUnnamed: false gives it a hidden name in any case.
  ///   - random: makes the hidden name unique.
  /// - Throws: `.noSpace` before a byte is fetched; `.cannotCreate`, `.nameTooLong`, `.notADirectory`; what the
  ///   catalogue throws.
  package init(
    target: DownloadTarget, size: Int64, catalogue: Catalogue, mayBeUnnamed: Bool = true,
    random: UInt64 = .random(in: .min ... .max)
  ) throws(StoreError) {
    self.target = target
    self.size = size
    self.catalogue = catalogue
    self.random = random
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
    // All members are set: from here on the end of this object removes the file, also where this throws.
    try reserve()
  }

  deinit { abort() }

  /// Hidden names that are recorded: give them to `Catalogue.add(_:hashed:forgetting:)` together with the share, or to
  /// `forgetTemporary`, after `commit`.
  package var temporaryPaths: [String] { state.withLock { $0.recorded.map { [$0] } ?? [] } }

  /// `nil` where the file system, or the lack of /proc for naming it later, does not allow it.
  private static func createUnnamed(in directory: OpenFile) -> CInt? {
    guard access("/proc/self/fd", X_OK) == 0 else { return nil }
    let descriptor = openat(directory.descriptor, ".", unnamed | O_RDWR | O_CLOEXEC, 0o600)
    return descriptor >= 0 ? descriptor : nil
  }

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
      let name = try hiddenName()
      guard renameat(directory, name, directory, target.name) == 0 else { throw .writing(target.path, errno) }
    } else if let name = state.withLock({ $0.pending }) {
      try renameExclusively(name)
    } else {
      try link(as: target.name)
    }
    state.withLock { $0.pending = nil }
    try target.directory.synchronize()
    return try file.fingerprint()
  }

  /// Removes what was fetched so far. No effect after `commit`.
  package func abort() {
    let (name, path) = state.withLock { state in
      defer { state.pending = nil }
      return (state.pending, state.recorded)
    }
    guard let name, let path else { return }
    // A record that outlives its file does no harm; a file that outlives its record would.
    if unlinkat(directory, name, 0) == 0 || errno == ENOENT {
      try? catalogue.forgetTemporary(path)
    }
  }

  private var directory: CInt { target.directory.descriptor }

  /// A file without a name gets a hidden one: only a name can take the place of another.
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

  /// A link never replaces anything (link(2)).
  private func link(as name: String) throws(StoreError) {
    let source = "/proc/self/fd/\(file.descriptor)"
    guard linkat(AT_FDCWD, source, directory, name, AT_SYMLINK_FOLLOW) == 0 else { throw .writing(target.path, errno) }
  }

  private func renameExclusively(_ name: String) throws(StoreError) {
    let number = file_rename_exclusively(directory, name, directory, target.name)
    guard number != 0 else { return }
    guard number == EINVAL || number == ENOSYS || number == ENOTSUP else { throw .writing(target.path, number) }
    // Some file systems cannot rename so.
    guard linkat(directory, name, directory, target.name, 0) == 0 else { throw .writing(target.path, errno) }
    unlinkat(directory, name, 0)
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
