// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import Glibc
import POSIXSupport

/// The destination of a download: an open directory and a name in it. Renaming the directory does not change the target.
package struct DownloadTarget: Sendable {
  package let name: String
  let directory: OpenFile
  private let places: PrivatePlaces.Current

  /// What exists under the name.
  package enum Occupant: Sendable {
    case nothing
    /// A file with the wanted content.
    case same(HashedFile)
    /// Another file, a dangling link, a directory.
    case different
  }

  /// - Parameters:
  ///   - path: the user's path. In an existing directory the file gets the suggested name.
  ///   - places: nothing is written into them.
  ///   - mask: permissions that a new directory does not get; `nil` for those of this process.
  /// - Throws: `.notADirectory`, `.cannotCreate`, `.nameTooLong`.
  package init(path: String, suggestedName: String, places: PrivatePlaces.Current = .none, mask: UInt32? = nil)
    throws(StoreError)
  {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      try self.init(directory: path, name: suggestedName, places: places)
    } else if path.beginsWithSlash, path.endsInSlash {
      _ = try Self.makeDirectory(path, places, mask)
      try self.init(directory: path, name: suggestedName, places: places)
    } else {
      guard let directory = path.parent else { throw StoreError(.cannotCreate, path, "is not absolute") }
      try self.init(directory: directory, name: path.afterLastSlash, places: places)
    }
  }

  /// - Parameter directory: must exist.
  package init(directory: String, name: String, places: PrivatePlaces.Current = .none) throws(StoreError) {
    try FileName.check(name)
    self.name = name
    self.places = places
    self.directory = try OpenFile.directory(directory)
    guard !places.contains(directory: self.directory.descriptor),
      !places.contains(new: name, in: self.directory.descriptor)
    else { throw Self.isPrivate(path) }
  }

  /// For the unfinished file of a stream, which never gets a name, in the directory of the catalogue.
  package init(streamOf catalogue: Catalogue) throws(StoreError) {
    name = "stream"
    places = .none
    directory = try OpenFile.directory(catalogue.directory)
  }

  /// In a directory that is open.
  init(name: String, in directory: OpenFile, places: PrivatePlaces.Current) throws(StoreError) {
    self.name = name
    self.places = places
    self.directory = directory
    guard !places.contains(new: name, in: directory.descriptor) else { throw Self.isPrivate(path) }
  }

  /// Opens a directory; makes it and its missing parents, beginning at the deepest one that exists.
  static func makeDirectory(
    _ path: String, _ places: PrivatePlaces.Current, _ mask: UInt32?
  ) throws(StoreError) -> OpenFile {
    let (existing, missing) = try existingPart(of: path)
    var directory = try OpenFile.directory(existing)
    guard !places.contains(directory: directory.descriptor) else { throw Self.isPrivate(path) }
    for name in missing {
      guard !places.contains(new: name, in: directory.descriptor) else { throw Self.isPrivate(path) }
      let isMade = mkdirat(directory.descriptor, name, 0o700) == 0
      guard isMade || errno == EEXIST else { throw .writing(path, errno) }
      let descriptor = openat(directory.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard descriptor >= 0 else { throw .writing(path, errno) }
      if isMade { fchmod(descriptor, 0o777 & ~(mask ?? CreationMask.current)) }
      try directory.synchronize()
      directory = OpenFile(descriptor: descriptor, path: path)
    }
    return directory
  }

  /// The deepest directory of a path that exists, and the names below it.
  static func existingPart(of path: String) throws(StoreError) -> (path: String, missing: [String]) {
    var existing = path
    var missing = [String]()
    var status = stat()
    while stat(existing, &status) != 0 {
      guard errno == ENOENT else { throw .writing(path, errno) }
      existing = String(existing.withoutTrailingSlashes)
      guard let parent = existing.parent else { break }
      missing.append(existing.afterLastSlash)
      existing = parent
    }
    return (existing, missing.reversed())
  }

  static func isPrivate(_ path: String) -> StoreError {
    StoreError(
      .cannotCreate, path, "lies among the files of a peer, an index or a supervisor: choose another place with -o")
  }

  package var path: String { path(of: name) }

  func path(of name: String) -> String {
    directory.path.endsInSlash ? "\(directory.path)\(name)" : "\(directory.path)/\(name)"
  }

  /// Whether new files can be made in the directory.
  package var isWritable: Bool { directory.isWritable }

  /// Whether the name is unused.
  package var isFree: Bool {
    var status = stat()
    return fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT
  }

  /// Of what has the name; `nil` if there is nothing. A link is not followed.
  /// - Throws: `.cannotCreate`.
  package func status() throws(StoreError) -> stat? {
    var status = stat()
    guard fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) != 0 else { return status }
    guard errno == ENOENT else { throw .writing(path, errno) }
    return nil
  }

  /// Checks that only a file or a link would be replaced, not a device, a FIFO or a directory.
  /// - Throws: `.exists`.
  package func checkReplaceable() throws(StoreError) {
    var status = stat()
    guard fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG || kind == S_IFLNK else {
      throw StoreError(
        .exists, path, "is \(FileName.kind(of: kind)), not a file; choose another path, or - for standard output")
    }
  }

  /// The path of the file now: its directory may have been renamed since it was opened.
  package var currentPath: String {
    var (opened, named) = (stat(), stat())
    guard fstat(directory.descriptor, &opened) == 0,
      stat(directory.path, &named) != 0 || (opened.st_dev, opened.st_ino) != (named.st_dev, named.st_ino)
    else { return path }
    return pathWithoutLinks
  }

  /// The path of the file now, without symbolic links.
  package var pathWithoutLinks: String {
    var paths = PathsWithoutLinks()
    return paths.path(of: self)
  }

  /// Checks that a file in the directory can still be reached by a path: it may have been removed, or its file system
  /// detached.
  /// - Throws: `.cannotCreate`.
  func checkPlace() throws(StoreError) {
    var (opened, named) = (stat(), stat())
    guard fstat(directory.descriptor, &opened) == 0, opened.st_nlink > 0 else { throw isGone }
    guard let now = directory.currentPath else { return }
    guard stat(now, &named) == 0, (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino) else { throw isGone }
  }

  private var isGone: StoreError { StoreError(.cannotCreate, directory.path, "is not there any more") }

  /// Inspects the file that has the name already; hashes it if its size equals the content's.
  package func occupant(
    comparedTo content: Content, hasher: FileHasher, isCancelled: @Sendable () -> Bool = { false }
  ) throws(StoreError) -> Occupant {
    var status = stat()
    guard fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      guard errno == ENOENT else { throw .writing(path, errno) }
      return .nothing
    }
    // Follows a link: its destination may have the content.
    guard fstatat(directory.descriptor, name, &status, 0) == 0, status.st_mode & S_IFMT == S_IFREG,
      Int64(status.st_size) == content.size, !places.contains(file: FileIdentity(status)),
      let resolved = realpath(path, nil)
    else {
      return .different
    }
    defer { free(resolved) }
    do {
      let file = try hasher.hash(String(cString: resolved), isCancelled: isCancelled)
      return file.content == content ? .same(file) : .different
    } catch let error where error.code == .cancelled {
      throw error
    } catch {
      return .different
    }
  }
}

extension OpenFile {
  /// Of a directory: whether new files can be made in it.
  var isWritable: Bool { faccessat(descriptor, ".", W_OK, AT_EACCESS) == 0 }
}

/// Rules for a file name.
package enum FileName {
  /// In bytes, on all common file systems.
  package static let maximumLength = 255

  /// - Throws: `.nameTooLong`; `.cannotCreate` if it is not a file name.
  package static func check(_ name: String) throws(StoreError) {
    guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(0x2F), !name.utf8.contains(0) else {
      throw StoreError(.cannotCreate, name, "is not a file name: choose one with -o")
    }
    guard name.utf8.count <= maximumLength else {
      throw StoreError(
        .nameTooLong, name, "a file name has at most \(maximumLength) bytes, this one \(name.utf8.count): use -o")
    }
  }

  /// The name with a number behind it, at most 255 bytes.
  static func numbered(_ name: String, _ number: Int) -> String {
    var kept = name
    while kept.utf8.count + "\(number)".utf8.count + 1 > maximumLength { kept.removeLast() }
    return "\(kept).\(number)"
  }

  /// For messages: `a device`.
  static func kind(of mode: mode_t) -> String {
    switch mode & S_IFMT {
    case S_IFDIR: "a directory"
    case S_IFCHR, S_IFBLK: "a device"
    case S_IFIFO: "a pipe"
    case S_IFSOCK: "a socket"
    default: "something else"
    }
  }

  /// Ends the hidden name of an unfinished file.
  static let unfinishedSuffix = ".p2p-part"

  /// The hidden name of an unfinished file, at most 255 bytes.
  static func temporary(for name: String, random: UInt64) -> String {
    let suffix = ".\(String(random, radix: 36))\(unfinishedSuffix)"
    var kept = name
    while kept.utf8.count + suffix.utf8.count + 1 > maximumLength { kept.removeLast() }
    return ".\(kept)\(suffix)"
  }
}

/// The paths without symbolic links of targets that are looked at together: asks once for each directory.
package struct PathsWithoutLinks {
  private var directories: [ObjectIdentifier: String] = [:]

  package init() {}

  package mutating func path(of target: DownloadTarget) -> String {
    let directory = target.directory
    let known = directories[ObjectIdentifier(directory)]
    let path = known ?? directory.currentPath ?? directory.path
    if known == nil { directories[ObjectIdentifier(directory)] = path }
    return path.endsInSlash ? "\(path)\(target.name)" : "\(path)/\(target.name)"
  }
}
