// SPDX-License-Identifier: Apache-2.0

import CProcess
package import ContentStore
import DocumentModel
import Glibc
import POSIXSupport
package import WireProtocol

/// A regular file, with the fingerprint that later shows whether it has changed.
package struct FoundFile: Equatable, Sendable {
  /// Absolute and without symbolic links.
  package let path: String
  /// The file name, or the path below the directory that was named.
  package let name: String
  package let fingerprint: FileFingerprint
  /// Permission bits of chmod(2).
  package let permissions: UInt32

  package init(path: String, name: String, fingerprint: FileFingerprint, permissions: UInt32 = 0o644) {
    self.path = path
    self.name = name
    self.fingerprint = fingerprint
    self.permissions = permissions
  }

  init(path: String, name: String, _ status: stat) {
    self.init(
      path: path, name: name, fingerprint: FileFingerprint(status), permissions: UInt32(status.st_mode) & 0o7777)
  }
}

/// The files below a directory.
package struct FoundTree: Equatable, Sendable {
  /// The last segment of the directory's path.
  package let name: String
  package let files: [FoundFile]
  /// Entries that cannot be shared.
  package let unreadable: [PathProblem]
  /// Number of further entries that the last of `unreadable` represents.
  package let more: Int
  package let leftOut: LeftOut

  package init(
    name: String, files: [FoundFile], unreadable: [PathProblem], more: Int = 0, leftOut: LeftOut = LeftOut()
  ) {
    self.name = name
    self.files = files
    self.unreadable = unreadable
    self.more = more
    self.leftOut = leftOut
  }
}

/// The result of inspecting one path of an `add`.
package enum InspectedPath: Equatable, Sendable {
  case file(FoundFile)
  case directory(FoundTree)
  case unusable(PathProblem)
}

/// Finds the files that the paths of an `add` name, directly or below directories. Blocks.
package struct PathInspection {
  /// PATH_MAX of limits.h without the NUL.
  static let longestPath = 4095

  /// `nil` for single files only.
  let selection: TreeSelection?
  let places: PrivatePlaces.Current
  /// Paths of unfinished downloads.
  let unfinished: Set<String>
  /// The inspection stops after one more.
  let maxFiles: Int
  /// Entries below directories that cannot be shared; more are counted, not named.
  let maxProblems: Int
  let isCancelled: @Sendable () -> Bool

  package init(
    _ selection: TreeSelection?, places: PrivatePlaces.Current, unfinished: Set<String> = [],
    maxFiles: Int = AddPlan.maxFiles, maxProblems: Int = AddPlan.maxProblems,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.selection = selection
    self.places = places
    self.unfinished = unfinished
    self.maxFiles = maxFiles
    self.maxProblems = maxProblems
    self.isCancelled = isCancelled
  }

  package func inspect(_ paths: [String]) -> [InspectedPath] {
    var found = [InspectedPath]()
    var (count, problems) = (0, 0)
    for path in paths where count <= maxFiles && !isCancelled() {
      let inspected = inspect(path, room: maxFiles - count, problemRoom: max(maxProblems - problems, 0))
      switch inspected {
      case .file: count += 1
      case .directory(let tree):
        count += tree.files.count
        problems += tree.unreadable.count
      case .unusable: break
      }
      found.append(inspected)
    }
    return found
  }

  private func inspect(_ given: String, room: Int, problemRoom: Int) -> InspectedPath {
    guard given.utf8.count <= Self.longestPath else { return Self.unusable(given, ENAMETOOLONG) }
    // The name is the one that was typed; the path is the one that no link can lead elsewhere later.
    guard let named = Self.resolved(given), let path = Self.withoutLinks(named) else {
      return Self.unusable(given, errno)
    }
    var status = stat()
    guard stat(path, &status) == 0 else { return Self.unusable(given, errno) }
    let name = named.afterLastSlash
    switch status.st_mode & S_IFMT {
    case S_IFREG: return file(path, name, given)
    case S_IFDIR:
      guard let selection else { return Self.unusable(given, "is a directory; -r adds the files in it") }
      return tree(path, name, given, selection, room: room, problemRoom: problemRoom)
    default: return Self.unusable(given, "is not a regular file")
    }
  }

  private func file(_ path: String, _ name: String, _ given: String) -> InspectedPath {
    do throws(StoreError) {
      // Permissions alone do not tell whether a file can be read; only open(2) does.
      let (file, status) = try OpenFile.reading(path)
      guard !file_is_on_system_interface(file.descriptor) else { return Self.unusable(given, Self.systemInterface) }
      guard !places.contains(file: FileIdentity(status)), try !isPrivate(directoryOf: path) else {
        return Self.unusable(given, "belongs to a peer, an index or a supervisor and is never shared")
      }
      if let content = PrivateContent(file) { return Self.unusable(given, content.reason) }
      guard !unfinished.contains(path) else { return Self.unusable(given, "is an unfinished download") }
      return .file(FoundFile(path: path, name: name, status))
    } catch {
      return Self.unusable(given, error.reason)
    }
  }

  private func tree(
    _ path: String, _ name: String, _ given: String, _ selection: TreeSelection, room: Int, problemRoom: Int
  ) -> InspectedPath {
    do throws(StoreError) {
      let directory = try OpenFile.listing(path)
      guard !file_is_on_system_interface(directory.descriptor) else {
        return Self.unusable(given, Self.systemInterface)
      }
      guard !places.contains(directory: directory.descriptor) else {
        return Self.unusable(given, "holds files of a peer, an index or a supervisor, which are never shared")
      }
      var walk = DirectoryWalk(self, selection, room: room, problemRoom: problemRoom)
      try walk.run(from: directory)
      var problems = walk.unreadable
      if walk.moreUnreadable > 0 {
        problems.append(PathProblem(path: given, message: "\(walk.moreUnreadable) more files in it cannot be shared"))
      }
      return .directory(
        FoundTree(
          name: name, files: walk.files, unreadable: problems, more: max(walk.moreUnreadable - 1, 0),
          leftOut: walk.leftOut))
    } catch {
      return Self.unusable(given, error.reason)
    }
  }

  /// Whether the directory of a file is private or lies in one that is.
  func isPrivate(directoryOf path: String) throws(StoreError) -> Bool {
    guard let parent = path.parent else { return false }
    let directory = try OpenFile.passing(parent)
    return places.contains(directory: directory.descriptor)
  }

  /// Resolves a path that contains empty segments, `.` or `..`, because its last segment becomes a name. Other paths are
  /// returned unchanged, including symbolic links.
  /// - Returns: `nil` with errno set if the path does not exist.
  package static func resolved(_ path: String) -> String? {
    let segments = path.segments(omittingEmpty: false).dropFirst()
    guard segments.contains(where: { ["", ".", ".."].contains($0) }) else { return path }
    return withoutLinks(path)
  }

  /// The path without symbolic links: realpath(3).
  /// - Returns: `nil` with errno set if the path does not exist or is not UTF-8.
  static func withoutLinks(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    guard let text = String(validatingCString: resolved) else {
      errno = EILSEQ
      return nil
    }
    return text
  }

  private static let systemInterface = "is not a file of a user but an interface of the system"

  private static func unusable(_ path: String, _ message: String) -> InspectedPath {
    .unusable(PathProblem(path: path, message: message))
  }

  private static func unusable(_ path: String, _ error: CInt) -> InspectedPath {
    unusable(path, SystemError(error).description)
  }
}
