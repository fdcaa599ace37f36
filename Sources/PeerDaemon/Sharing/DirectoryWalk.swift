// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import POSIXSupport
import WireProtocol

/// Walks a directory tree in the order of names. Each directory is opened without following links and is entered once; a
/// mounted file system is not entered.
struct DirectoryWalk {
  /// Entries of one directory; a larger one is reported as EFBIG.
  private static let maxNames = 1_000_000

  /// A directory to read.
  private struct Directory {
    /// Absolute and without symbolic links.
    let path: String
    /// Its path below the directory that was named, with a slash at the end; empty for that one.
    let prefix: String
  }

  private let inspection: PathInspection
  private let selection: TreeSelection
  private let room: Int
  private let problemRoom: Int
  private var entered: Set<FileIdentity> = []
  private var waiting: [Directory] = []
  private(set) var files: [FoundFile] = []
  /// What cannot be shared; at most `problemRoom` entries.
  private(set) var unreadable: [PathProblem] = []
  /// Number of further entries that cannot be shared.
  private(set) var moreUnreadable = 0
  private(set) var leftOut = LeftOut()

  /// - Parameters:
  ///   - room: maximum number of files. The walk stops after one more, which tells the caller that there are more.
  ///   - problemRoom: maximum length of `unreadable`.
  init(_ inspection: PathInspection, _ selection: TreeSelection, room: Int, problemRoom: Int) {
    self.inspection = inspection
    self.selection = selection
    self.room = room
    self.problemRoom = problemRoom
  }

  private var isDone: Bool { files.count > room || inspection.isCancelled() }

  /// - Throws: the error of reading the directory itself. Errors below it are added to `unreadable`.
  mutating func run(from base: OpenFile) throws(StoreError) {
    entered.insert(FileIdentity(try base.status()))
    try read(base, prefix: "")
    while !isDone, let next = waiting.popLast() {
      do throws(StoreError) {
        try read(try OpenFile.listing(next.path), prefix: next.prefix)
      } catch {
        report(next.path, error.reason)
      }
    }
    files.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private mutating func read(_ directory: OpenFile, prefix: String) throws(StoreError) {
    let names = try Self.names(in: directory)
    if names.isEmpty { leftOut.note(.empty, directory.path) }
    guard !inspection.places.contains(shapeOf: directory.descriptor) else {
      return leftOut.note(.state, directory.path)
    }
    let device = FileIdentity(try directory.status()).device
    for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) where !isDone {
      let path = directory.path == "/" ? "/" : directory.path + "/"
      guard let text = String(validating: name, as: UTF8.self) else {
        report(path + TextRules.shown(name), "its name is not UTF-8")
        continue
      }
      if let reason = selection.reason(toLeaveOut: text, at: prefix + text) {
        leftOut.note(reason, path + text)
      } else {
        examine(text, in: directory, device, path + text, prefix + text)
      }
    }
  }

  private mutating func examine(
    _ entry: String, in directory: OpenFile, _ device: UInt64, _ path: String, _ name: String
  ) {
    var status = stat()
    guard fstatat(directory.descriptor, entry, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      return report(path, SystemError(errno).description)
    }
    // A bind mount has the same device.
    guard FileIdentity(status).device == device, !directory.isMountPoint(entry) else {
      return leftOut.note(.fileSystem, path)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: take(file: path, name, status)
    case S_IFDIR: take(directory: path, name, status)
    case S_IFLNK:
      guard selection.followsLinks else { return leftOut.note(.link, path) }
      follow(path, name)
    default: leftOut.note(.notAFile, path)
    }
  }

  /// The link may lead anywhere, so what it leads to is checked as a path that was typed.
  private mutating func follow(_ link: String, _ name: String) {
    var status = stat()
    guard let path = PathInspection.withoutLinks(link), stat(path, &status) == 0 else {
      return report(link, SystemError(errno).description)
    }
    guard let isPrivate = try? inspection.isPrivate(directoryOf: path), !isPrivate else {
      return leftOut.note(.state, link)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: take(file: path, name, status)
    case S_IFDIR: take(directory: path, name, status)
    default: leftOut.note(.notAFile, link)
    }
  }

  private mutating func take(file path: String, _ name: String, _ status: stat) {
    guard !inspection.unfinished.contains(path) else { return leftOut.note(.unfinished, path) }
    guard !inspection.places.contains(file: FileIdentity(status)) else { return leftOut.note(.state, path) }
    files.append(FoundFile(path: path, name: name, status))
  }

  private mutating func take(directory path: String, _ name: String, _ status: stat) {
    let identity = FileIdentity(status)
    guard !inspection.places.contains(identity) else { return leftOut.note(.state, path) }
    guard entered.insert(identity).inserted else { return leftOut.note(.twice, path) }
    waiting.append(Directory(path: path, prefix: name + "/"))
  }

  private mutating func report(_ path: String, _ message: String) {
    guard unreadable.count < problemRoom else { return moreUnreadable += 1 }
    unreadable.append(PathProblem(path: path, message: message))
  }

  private static func names(in directory: OpenFile) throws(StoreError) -> [[UInt8]] {
    do throws(SystemError) {
      let names = try DirectoryNames.read(directory: directory.descriptor, max: maxNames + 1) { $0 }
      guard names.count <= maxNames else { throw SystemError(EFBIG) }
      return names
    } catch {
      throw StoreError(.unreadable, directory.path, error.description)
    }
  }
}
