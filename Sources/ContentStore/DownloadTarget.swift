// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc

/// The destination of a download: an open directory and a name in it. Renaming the directory does not change the target.
package struct DownloadTarget: Sendable {
  package let name: String
  let directory: OpenFile

  /// What exists under the name.
  package enum Occupant: Sendable {
    case nothing
    /// A file with the wanted content.
    case same(HashedFile)
    /// Another file, a dangling link, a directory.
    case different
  }

  /// - Parameter path: the user's path. In an existing directory the file gets the suggested name.
  /// - Throws: `.notADirectory`, `.cannotCreate`, `.nameTooLong`.
  package init(path: String, suggestedName: String) throws(StoreError) {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      try self.init(directory: path, name: suggestedName)
    } else {
      guard let slash = path.lastIndex(of: "/") else { throw StoreError(.cannotCreate, path, "is not absolute") }
      guard path.index(after: slash) < path.endIndex else {
        throw StoreError(.notADirectory, path, "there is no such directory")
      }
      let directory = slash == path.startIndex ? "/" : String(path[..<slash])
      try self.init(directory: directory, name: String(path[path.index(after: slash)...]))
    }
  }

  /// - Parameter directory: must exist.
  package init(directory: String, name: String) throws(StoreError) {
    try FileName.check(name)
    self.name = name
    self.directory = try OpenFile.directory(directory)
  }

  package var path: String { path(of: name) }

  func path(of name: String) -> String {
    directory.path.hasSuffix("/") ? "\(directory.path)\(name)" : "\(directory.path)/\(name)"
  }

  /// Whether the name is unused.
  package var isFree: Bool {
    var status = stat()
    return fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT
  }

  /// Checks that only a file or a link would be replaced, not a device, a FIFO or a directory.
  /// - Throws: `.exists`.
  package func checkReplaceable() throws(StoreError) {
    var status = stat()
    guard fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG || kind == S_IFLNK else {
      throw StoreError(.exists, path, "is not a regular file and is not replaced")
    }
  }

  /// The path of the file now: its directory may have been renamed since it was opened.
  package var currentPath: String {
    var (opened, named) = (stat(), stat())
    guard fstat(directory.descriptor, &opened) == 0,
      stat(directory.path, &named) != 0 || (opened.st_dev, opened.st_ino) != (named.st_dev, named.st_ino)
    else { return path }
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/fd/\(directory.descriptor)", &buffer, buffer.count)
    let moved = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return moved.isEmpty ? path : "\(moved)/\(name)"
  }

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
      Int64(status.st_size) == content.size
    else {
      return .different
    }
    do {
      let file = try hasher.hash(path, isCancelled: isCancelled)
      return file.content == content ? .same(file) : .different
    } catch let error where error.code == .cancelled {
      throw error
    } catch {
      return .different
    }
  }
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

  /// The hidden name of an unfinished file, at most 255 bytes.
  static func temporary(for name: String, random: UInt64) -> String {
    let suffix = ".\(String(random, radix: 36)).p2p-part"
    var kept = name
    while kept.utf8.count + suffix.utf8.count + 1 > maximumLength { kept.removeLast() }
    return ".\(kept)\(suffix)"
  }
}
