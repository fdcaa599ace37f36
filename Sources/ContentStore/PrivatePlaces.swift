// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
package import POSIXSupport

extension FileIdentity {
  package init(_ fingerprint: FileFingerprint) {
    self.init(device: fingerprint.device, inode: fingerprint.inode)
  }
}

/// Directories with the keys, catalogues, sockets, logs and settings of this system. What is in them is never shared, and
/// nothing is written into them for a user.
package struct PrivatePlaces: Sendable {
  /// Absolute paths; what is below them is private too.
  private let directories: [String]
  /// Absolute paths of directories below them that belong to users.
  private let exceptions: [String]

  package init(_ directories: [String], except exceptions: [String] = []) {
    self.directories = directories
    self.exceptions = exceptions
  }

  /// Looks at the directories now: they change while peers come and go. Blocks.
  package func current() -> Current {
    Current(directories, except: exceptions)
  }

  /// The private directories and files at one moment, by identity: links, hard links and bind mounts do not hide them.
  package struct Current: Sendable {
    /// Entries of one directory that are looked at.
    private static let maxNames = 10_000

    /// Only what is known by its shape.
    package static let none = Current([], except: [])

    private var directories: Set<FileIdentity> = []
    private var exceptions: Set<FileIdentity> = []
    private var files: Set<FileIdentity> = []
    /// Private directories that do not exist yet, by the directory in which they would be made.
    private var missing: [FileIdentity: Set<String>] = [:]

    init(_ paths: [String], except exceptions: [String]) {
      self.exceptions = Set(exceptions.compactMap { FileIdentity(path: $0) })
      for path in paths {
        for directory in collect(path) { _ = collect(directory) }
      }
    }

    /// - Returns: the directories in it.
    private mutating func collect(_ path: String) -> [String] {
      guard let identity = FileIdentity(path: path) else {
        noteMissing(path)
        return []
      }
      guard !exceptions.contains(identity) else { return [] }
      directories.insert(identity)
      var found = [String]()
      for name in (try? DirectoryNames.read(path, max: Self.maxNames)) ?? [] {
        let entry = "\(path)/\(String(decoding: name, as: UTF8.self))"
        var status = stat()
        guard lstat(entry, &status) == 0 else { continue }
        switch status.st_mode & S_IFMT {
        case S_IFREG: files.insert(FileIdentity(status))
        // Layers are hashes of what is shared, and there may be many.
        case S_IFDIR where name != Array("layers".utf8): found.append(entry)
        default: break
        }
      }
      return found
    }

    private mutating func noteMissing(_ path: String) {
      guard let parent = path.parent.flatMap({ FileIdentity(path: $0) }) else { return }
      missing[parent, default: []].insert(path.afterLastSlash)
    }

    /// Whether a new entry of a directory would be a private directory.
    package func contains(new name: String, in directory: CInt) -> Bool {
      var status = stat()
      guard !missing.isEmpty, fstat(directory, &status) == 0 else { return false }
      return missing[FileIdentity(status)]?.contains(name) == true
    }

    package func contains(file: FileIdentity) -> Bool { files.contains(file) }

    /// Whether a directory is private itself.
    package func contains(_ directory: FileIdentity) -> Bool { directories.contains(directory) }

    /// Whether an open directory holds files of this system, perhaps of another installation.
    package func contains(shapeOf descriptor: CInt) -> Bool { PrivateShape.matches(descriptor) }

    /// Whether a directory is private, or lies in one that is.
    /// - Parameter descriptor: of the directory; also one opened by O_PATH.
    package func contains(directory descriptor: CInt) -> Bool {
      var current = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
      var below: FileIdentity?
      while current >= 0 {
        var status = stat()
        guard fstat(current, &status) == 0 else { break }
        let identity = FileIdentity(status)
        // The root is its own parent.
        guard identity != below, !exceptions.contains(identity) else { break }
        let hasShape = PrivateShape.matches(current)
        // Downloads of another installation belong to its user, as those of this one.
        let isDownloads = hasShape && below != nil && below == Self.downloads(in: current)
        guard !directories.contains(identity), !hasShape || isDownloads else {
          close(current)
          return true
        }
        guard !isDownloads else { break }
        below = identity
        let parent = openat(current, "..", OpenFile.pathOnly | O_DIRECTORY | O_CLOEXEC)
        close(current)
        current = parent
      }
      if current >= 0 { close(current) }
      return false
    }

    private static func downloads(in descriptor: CInt) -> FileIdentity? {
      var status = stat()
      guard fstatat(descriptor, PrivateShape.downloads, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
      return FileIdentity(status)
    }
  }
}

/// Directories that hold files of this system, of this or another installation, recognised by what is in them.
enum PrivateShape {
  /// Each is private if all names of one line exist below it.
  private static let marks: [[String]] = [
    // The state of a peer.
    ["catalogue.sqlite", "lock"], ["catalogue.sqlite", "key.pem"],
    // The state of a supervisor.
    ["lock", "children.json"], ["lock", "ports.json"], ["lock", "start.json"],
    // The directory with the states; in the layout of a user also logs and sockets.
    ["supervisor/lock", "supervisor/children.json"], ["supervisor/lock", "supervisor/ports.json"],
    ["supervisor/lock", "supervisor/start.json"],
    // A home: configuration, state, sockets and logs.
    ["state/supervisor/lock"], ["state", "config/p2p.toml"], ["state", "log/supervisor.log"],
  ]

  /// The directory in a private one that belongs to its user.
  static let downloads = "downloads"

  /// - Parameter descriptor: of the directory; also one opened by O_PATH.
  static func matches(_ descriptor: CInt) -> Bool {
    var status = stat()
    return marks.contains { names in
      names.allSatisfy { fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) == 0 }
    }
  }
}
