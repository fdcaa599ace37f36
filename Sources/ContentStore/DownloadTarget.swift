// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc

/// Where a fetched file goes: an open directory and a name in it. A directory that is renamed meanwhile stays the same.
package struct DownloadTarget: Sendable {
  package let name: String
  let directory: OpenFile

  /// What is there under the name.
  package enum Occupant: Sendable {
    case nothing
    /// A file with the content that is wanted: nothing is left to be done.
    case same(HashedFile)
    /// Another file, a link that leads nowhere, a directory.
    case different
  }

  /// A path as its user gave it: a directory that exists takes the file under the suggested name.
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

  /// Whether nothing has the name.
  package var isFree: Bool {
    var status = stat()
    return fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT
  }

  /// What has the name may go only where it is a file or a link: no download takes the place of a device or a FIFO.
  /// - Throws: `.exists`.
  package func checkReplaceable() throws(StoreError) {
    var status = stat()
    guard fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG || kind == S_IFLNK else {
      throw StoreError(.exists, path, "is no regular file and stays")
    }
  }

  /// Where the file lies: the directory may have been renamed since it was opened.
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

  /// Looks at what has the name already; hashes it if its size is that of the content.
  package func occupant(
    comparedTo content: Content, hasher: FileHasher, isCancelled: @Sendable () -> Bool = { false }
  ) throws(StoreError) -> Occupant {
    var status = stat()
    guard fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      guard errno == ENOENT else { throw .writing(path, errno) }
      return .nothing
    }
    // Through a link now: what it leads to may be the content.
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
