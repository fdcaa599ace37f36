// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Glibc
import POSIXSupport
import WireProtocol

/// Walks a directory tree in the order of names. Symbolic links are followed, but no directory is entered twice, which
/// breaks cycles.
struct DirectoryWalk {
  /// Entries of one directory; a larger one is reported as EFBIG.
  private static let maxNames = 1_000_000

  private let base: String
  private let inspection: PathInspection
  private let room: Int
  private let problemRoom: Int
  private var entered: Set<PathInspection.Place>
  /// Stack of directories to read.
  private var waiting: [String]
  private(set) var files: [FoundFile] = []
  /// What cannot be shared; at most `problemRoom` entries.
  private(set) var unreadable: [PathProblem] = []
  /// Number of further entries that cannot be shared.
  private(set) var moreUnreadable = 0

  /// - Parameters:
  ///   - base: path without a trailing slash.
  ///   - room: maximum number of files. The walk stops after one more, which tells the caller that there are more.
  ///   - problemRoom: maximum length of `unreadable`.
  init(base: String, place: PathInspection.Place, inspection: PathInspection, room: Int, problemRoom: Int) {
    self.base = base
    self.inspection = inspection
    self.room = room
    self.problemRoom = problemRoom
    entered = [place]
    waiting = [base]
  }

  /// - Returns: the errno of opening the base directory. Errors below it are added to `unreadable`.
  mutating func run() -> CInt? {
    var isFirst = true
    while let directory = waiting.popLast(), files.count <= room, !inspection.isCancelled() {
      let names: [[UInt8]]
      do throws(SystemError) {
        names = try Self.names(in: directory.isEmpty ? "/" : directory).sorted { $0.lexicographicallyPrecedes($1) }
      } catch {
        if isFirst { return error.code }
        report(directory, error.code)
        continue
      }
      isFirst = false
      read(directory, names)
    }
    files.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    return nil
  }

  private mutating func read(_ directory: String, _ names: [[UInt8]]) {
    for name in names where files.count <= room && !inspection.isCancelled() {
      guard let text = String(validating: name, as: UTF8.self) else {
        let shown = "\(directory)/\(String(decoding: name, as: UTF8.self))"
        report(shown, "its name is not UTF-8")
        continue
      }
      examine("\(directory)/\(text)")
    }
  }

  private mutating func examine(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return report(path, errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      guard !inspection.unfinished.contains(path) else { return }
      let name = path[path.utf8.index(path.startIndex, offsetBy: base.utf8.count + 1)...]
      files.append(FoundFile(path: path, name: name, fingerprint: FileFingerprint(status)))
    case S_IFDIR:
      let place = PathInspection.Place(status)
      guard place != inspection.ownState, entered.insert(place).inserted else { return }
      waiting.append(path)
    default:
      // Sockets, FIFOs and devices contain no document.
      break
    }
  }

  private mutating func report(_ path: String, _ error: CInt) {
    report(path, SystemError(error).description)
  }

  private mutating func report(_ path: String, _ message: String) {
    guard unreadable.count < problemRoom else { return moreUnreadable += 1 }
    unreadable.append(PathProblem(path: path, message: message))
  }

  private static func names(in directory: String) throws(SystemError) -> [[UInt8]] {
    let names = try DirectoryNames.read(directory, max: maxNames + 1)
    guard names.count <= maxNames else { throw SystemError(EFBIG) }
    return names
  }
}
