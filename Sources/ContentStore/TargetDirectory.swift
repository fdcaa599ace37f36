// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport
import Synchronization

/// The directory into which the documents of a prefix are downloaded. Nothing outside of it is written, whatever the names
/// are: no name below it may be a link to a directory, and directories are opened one name at a time. Calls block; safe from
/// several threads.
package final class TargetDirectory: Sendable {
  package let path: String
  /// `nil` while it is missing.
  private let root: Mutex<OpenFile?>
  private let missingPlace: String?
  private let places: PrivatePlaces.Current
  private let mask: UInt32?
  /// Whether directories were made since the last flush.
  private let hasNew = Atomic<Bool>(false)
  /// Open directories by their path below the root.
  private let open = Mutex<[String: OpenFile]>([:])

  private static let maxOpen = 128

  /// A directory that is missing is made with the first target that needs it.
  /// - Parameters:
  ///   - places: nothing is written into them.
  ///   - mask: permissions that new directories do not get; `nil` for those of this process.
  /// - Throws: `.notADirectory`, `.cannotCreate`.
  package init(path: String, places: PrivatePlaces.Current = .none, mask: UInt32? = nil) throws(StoreError) {
    let (existing, missing) = try DownloadTarget.existingPart(of: path)
    let directory = try OpenFile.directory(existing)
    guard !places.contains(directory: directory.descriptor) else { throw DownloadTarget.isPrivate(path) }
    guard missing.isEmpty || directory.isWritable else { throw .writing(path, errno) }
    if let first = missing.first {
      guard !places.contains(new: first, in: directory.descriptor) else { throw DownloadTarget.isPrivate(path) }
      for name in missing { try FileName.check(name) }
    }
    let place = directory.currentPath ?? existing
    missingPlace = missing.isEmpty ? nil : (place == "/" ? "" : place) + "/" + missing.joined(separator: "/")
    root = Mutex(missing.isEmpty ? directory : nil)
    self.path = path.utf8.count > 1 && path.endsInSlash ? String(Substring(path.utf8.dropLast())) : path
    self.places = places
    self.mask = mask
  }

  /// The path without symbolic links.
  package var place: String { root.withLock { $0?.currentPath } ?? missingPlace ?? path }

  /// Checks that the directory is still where it was: what is written now would be somewhere else.
  /// - Throws: `.cannotCreate`.
  package func check() throws(StoreError) {
    guard let root = root.withLock({ $0 }) else { return }
    var (opened, named) = (stat(), stat())
    guard fstat(root.descriptor, &opened) == 0, stat(path, &named) == 0,
      (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)
    else { throw StoreError(.cannotCreate, path, "is not there any more") }
  }

  /// Makes the directory if it is missing, and checks that new files fit.
  /// - Parameter sizes: of each, in bytes.
  /// - Throws: `.noSpace`, `.cannotCreate`, `.notADirectory`.
  package func prepare(for sizes: some Sequence<Int64>) throws(StoreError) {
    guard let root = try root(makes: true) else { return }
    // Most file systems keep whole blocks of 4 KiB.
    let need = sizes.reduce(Int64(0)) { $0 + ($1 + 4095) / 4096 * 4096 }
    try PartialFile.checkSpace(for: need, in: root)
  }

  /// The target of a file.
  /// - Parameters:
  ///   - names: below the directory; the last is that of the file.
  ///   - makes: whether missing directories are made.
  /// - Returns: `nil` if a directory is missing.
  /// - Throws: `.notADirectory` if a name on the way is a file or a link; `.cannotCreate`, `.nameTooLong`.
  package func target(_ names: [String], makes: Bool) throws(StoreError) -> DownloadTarget? {
    guard let name = names.last else { throw StoreError(.cannotCreate, path, "is a directory") }
    for name in names { try FileName.check(name) }
    guard let directory = try directory(names.dropLast(), makes: makes) else { return nil }
    return try DownloadTarget(name: name, in: directory, places: places)
  }

  /// Makes new directories durable, with everything else on their file system.
  package func flush() throws(StoreError) {
    guard hasNew.exchange(false, ordering: .relaxed), let root = root.withLock({ $0 }) else { return }
    if let error = root.flushFileSystem() { throw error }
  }

  private func directory(_ names: ArraySlice<String>, makes: Bool) throws(StoreError) -> OpenFile? {
    guard !names.isEmpty else { return try root(makes: makes) }
    let below = names.joined(separator: "/")
    if let known = open.withLock({ $0[below] }) { return known }
    guard let name = names.last, let parent = try directory(names.dropLast(), makes: makes) else { return nil }
    guard let found = try child(name, of: parent, at: "\(path)/\(below)", makes: makes) else { return nil }
    open.withLock { open in
      // Any other can be opened again.
      if open.count >= Self.maxOpen, let other = open.keys.first(where: { !below.utf8.starts(with: $0.utf8) }) {
        open[other] = nil
      }
      open[below] = found
    }
    return found
  }

  private func root(makes: Bool) throws(StoreError) -> OpenFile? {
    try root.withLock { root in
      Result { () throws(StoreError) in
        if root == nil, makes { root = try DownloadTarget.makeDirectory(path, places, mask) }
        return root
      }
    }.get()
  }

  private func child(
    _ name: String, of parent: OpenFile, at path: String, makes: Bool
  ) throws(StoreError) -> OpenFile? {
    var isMade = false
    while true {
      let descriptor = openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      if descriptor >= 0 {
        let directory = OpenFile(descriptor: descriptor, path: path)
        guard !places.contains(directory: descriptor) else { throw DownloadTarget.isPrivate(path) }
        if isMade { fchmod(descriptor, 0o777 & ~(mask ?? CreationMask.current)) }
        return directory
      }
      switch errno {
      case ENOENT where isMade: throw StoreError(.cannotCreate, path, "was removed")
      case ENOENT where !makes: return nil
      case ENOENT: break
      case ENOTDIR, ELOOP: throw StoreError(.notADirectory, path, "is a file or a link, not a directory")
      default: throw .writing(path, errno)
      }
      guard !places.contains(new: name, in: parent.descriptor) else { throw DownloadTarget.isPrivate(path) }
      guard mkdirat(parent.descriptor, name, 0o700) == 0 || errno == EEXIST else { throw .writing(path, errno) }
      isMade = true
      hasNew.store(true, ordering: .relaxed)
    }
  }
}
