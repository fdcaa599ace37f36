// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Glibc
import WireProtocol

/// Looks at the paths of an `add`: what is there, and what is below directories. Blocks.
package struct PathInspection {
  /// Directories whose files are never shared: the peer's own state, with its key.
  package struct Place: Hashable {
    let device: UInt64
    let inode: UInt64

    /// `nil` where there is no such directory.
    package init?(directory path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      self.init(status)
    }

    init(_ status: stat) {
      (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }
  }

  /// PATH_MAX of limits.h without the NUL.
  static let longestPath = 4095

  let isRecursive: Bool
  /// Nothing in it is shared.
  let ownState: Place?
  /// Files in the making, by path.
  let unfinished: Set<String>
  /// More files are not looked for.
  let maxFiles: Int
  /// Of all that cannot be shared below directories, more are counted and not named.
  let maxProblems: Int
  let isCancelled: @Sendable () -> Bool

  package init(
    isRecursive: Bool, ownState: Place?, unfinished: Set<String> = [], maxFiles: Int = AddPlan.maxFiles,
    maxProblems: Int = AddPlan.maxProblems,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.isRecursive = isRecursive
    self.ownState = ownState
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
      case .directory(_, let files, let unreadable, _):
        count += files.count
        problems += unreadable.count
      case .unusable: break
      }
      found.append(inspected)
    }
    return found
  }

  private func inspect(_ given: String, room: Int, problemRoom: Int) -> InspectedPath {
    guard given.utf8.count <= Self.longestPath else { return Self.unusable(given, ENAMETOOLONG) }
    guard let path = Self.resolved(given) else { return Self.unusable(given, errno) }
    var status = stat()
    guard stat(path, &status) == 0 else { return Self.unusable(given, errno) }
    let name = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      let file = FoundFile(path: path, name: name, fingerprint: FileFingerprint(status))
      if isOwnState(directoryOf: path) {
        return .unusable(PathProblem(path: given, message: "belongs to the peer itself, its key may be there"))
      }
      if let error = Self.errorOpening(path) { return Self.unusable(given, error) }
      return .file(file)
    case S_IFDIR:
      guard isRecursive else {
        return .unusable(PathProblem(path: given, message: "is a directory; -r adds the files in it"))
      }
      let place = Place(status)
      guard place != ownState else {
        return .unusable(PathProblem(path: given, message: "is where the peer keeps its state and its key"))
      }
      let base = path == "/" ? "" : path
      let walk = DirectoryWalk(base: base, place: place, inspection: self, room: room, problemRoom: problemRoom)
      return Self.run(walk, given: given, name: String(name))
    default:
      return .unusable(PathProblem(path: given, message: "is not a regular file"))
    }
  }

  private static func run(_ walk: consuming DirectoryWalk, given: String, name: String) -> InspectedPath {
    if let error = walk.run() { return unusable(given, error) }
    var problems = walk.unreadable
    if walk.moreUnreadable > 0 {
      problems.append(PathProblem(path: given, message: "\(walk.moreUnreadable) more in it cannot be shared"))
    }
    return .directory(
      name: name, files: walk.files, unreadable: problems, more: max(walk.moreUnreadable - 1, 0))
  }

  private func isOwnState(directoryOf path: String) -> Bool {
    guard let ownState, let slash = path.lastIndex(of: "/") else { return false }
    return Place(directory: slash == path.startIndex ? "/" : String(path[..<slash])) == ownState
  }

  /// The path without empty segments, `.` and `..`: its last segment becomes a name. A path that has none of these is
  /// left as it is, links included. `nil` with errno set where there is nothing.
  package static func resolved(_ path: String) -> String? {
    let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    guard segments.contains(where: { ["", ".", ".."].contains($0) }) else { return path }
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(validatingCString: resolved)
  }

  /// Only opening tells whether it may be read.
  static func errorOpening(_ path: String) -> CInt? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { return errno }
    close(descriptor)
    return nil
  }

  private static func unusable(_ path: String, _ error: CInt) -> InspectedPath {
    .unusable(PathProblem(path: path, message: String(cString: strerror(error))))
  }
}
