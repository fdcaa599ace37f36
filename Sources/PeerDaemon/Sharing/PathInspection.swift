// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import Glibc
import POSIXSupport
package import WireProtocol

/// A regular file, with the fingerprint that later shows whether it has changed.
package struct FoundFile: Equatable, Sendable {
  /// Absolute.
  package let path: String
  /// The file name, or the path below the directory that was named.
  package let name: Substring
  package let fingerprint: FileFingerprint

  package init(path: String, name: Substring, fingerprint: FileFingerprint) {
    self.path = path
    self.name = name
    self.fingerprint = fingerprint
  }
}

/// The result of inspecting one path of an `add`.
package enum InspectedPath: Equatable, Sendable {
  case file(FoundFile)
  /// - Parameters:
  ///   - unreadable: entries below the directory that cannot be shared.
  ///   - more: number of further entries that the last of `unreadable` represents.
  case directory(name: String, files: [FoundFile], unreadable: [PathProblem], more: Int = 0)
  case unusable(PathProblem)
}

/// Finds the files that the paths of an `add` name, directly or below directories. Blocks.
package struct PathInspection {
  /// Identity of a directory.
  package struct Place: Hashable {
    let device: UInt64
    let inode: UInt64

    /// `nil` if nothing exists at the path.
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
  /// The state directory of the peer with its key: files in it are never shared.
  let ownState: Place?
  /// Paths of unfinished downloads.
  let unfinished: Set<String>
  /// The inspection stops after one more.
  let maxFiles: Int
  /// Entries below directories that cannot be shared; more are counted, not named.
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
        return .unusable(PathProblem(path: given, message: "is in the state directory of the peer"))
      }
      if let error = Self.errorOpening(path) { return Self.unusable(given, error) }
      return .file(file)
    case S_IFDIR:
      guard isRecursive else {
        return .unusable(PathProblem(path: given, message: "is a directory; -r adds the files in it"))
      }
      let place = Place(status)
      guard place != ownState else {
        return .unusable(PathProblem(path: given, message: "is the state directory of the peer"))
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
      problems.append(PathProblem(path: given, message: "\(walk.moreUnreadable) more files in it cannot be shared"))
    }
    return .directory(
      name: name, files: walk.files, unreadable: problems, more: max(walk.moreUnreadable - 1, 0))
  }

  private func isOwnState(directoryOf path: String) -> Bool {
    guard let ownState, let slash = path.lastIndex(of: "/") else { return false }
    return Place(directory: slash == path.startIndex ? "/" : String(path[..<slash])) == ownState
  }

  /// Resolves a path that contains empty segments, `.` or `..`, because its last segment becomes a name. Other paths are
  /// returned unchanged, including symbolic links.
  /// - Returns: `nil` with errno set if the path does not exist.
  package static func resolved(_ path: String) -> String? {
    let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    guard segments.contains(where: { ["", ".", ".."].contains($0) }) else { return path }
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(validatingCString: resolved)
  }

  /// Permissions alone do not tell whether a file can be read; only open(2) does.
  static func errorOpening(_ path: String) -> CInt? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { return errno }
    close(descriptor)
    return nil
  }

  private static func unusable(_ path: String, _ error: CInt) -> InspectedPath {
    .unusable(PathProblem(path: path, message: SystemError(error).description))
  }
}
