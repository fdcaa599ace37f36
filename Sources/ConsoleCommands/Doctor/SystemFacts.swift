// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupport

/// Facts about the files of an installation.
enum FileFacts {
  /// The mode is that of a link's target: a cure that names the link would change the target.
  /// - Parameter isSecret: whether others must not even read it.
  /// - Returns: `nil` if it is missing or not visible to this user.
  static func place(_ path: String, isSecret: Bool) -> DoctorFacts.Place? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let kind = status.st_mode & S_IFMT
    return DoctorFacts.Place(
      path: path, isSecret: isSecret, mode: UInt32(status.st_mode & 0o7777), owner: status.st_uid,
      obstacle: isSecret && kind != S_IFREG && kind != S_IFSOCK ? name(ofKind: kind) : nil)
  }

  /// The directories, the key and the socket of a peer. What is in the place of the socket is judged when it is connected.
  static func places(of peer: PeerName, in layout: Layout) -> [DoctorFacts.Place] {
    let state = layout.state(of: peer)
    let socket = layout.controlSocket(of: peer)
    return [
      place(layout.runDirectory, isSecret: false),
      obstacle(atSocket: socket) == nil ? place(socket, isSecret: true) : nil,
      place(state, isSecret: false), place("\(state)/key.pem", isSecret: true),
    ].compactMap { $0 }
  }

  /// What is at the path of a socket instead; `nil` if there is a socket or nothing. Links are followed, as connect(2) does.
  static func obstacle(atSocket path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0 || lstat(path, &status) == 0 else { return nil }
    let kind = status.st_mode & S_IFMT
    return kind == S_IFSOCK ? nil : name(ofKind: kind)
  }

  private static func name(ofKind kind: mode_t) -> String {
    switch kind {
    case S_IFDIR: "a directory"
    case S_IFREG: "a file"
    case S_IFIFO: "a FIFO"
    case S_IFLNK: "a link to nothing"
    case S_IFSOCK: "a socket"
    default: "a device"
    }
  }

  /// The file systems of the directories, each once. A missing directory counts as its nearest existing parent.
  static func disks(_ paths: [String]) -> [DoctorFacts.Disk] {
    var seen = Set<dev_t>()
    return paths.compactMap { path in
      var path = path
      var status = stat()
      while stat(path, &status) != 0 {
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return nil }
        path = String(path[..<slash])
      }
      return seen.insert(status.st_dev).inserted ? disk(path) : nil
    }
  }

  private static func disk(_ path: String) -> DoctorFacts.Disk? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    func bytes(_ blocks: UInt) -> Int64 {
      let (product, overflows) = blocks.multipliedReportingOverflow(by: UInt(status.f_frsize))
      return overflows ? .max : Int64(clamping: product)
    }
    return DoctorFacts.Disk(
      path: path, free: bytes(UInt(status.f_bavail)), size: bytes(UInt(status.f_blocks)),
      // Zero if the file system creates inodes on demand.
      freeFiles: status.f_files > 0 ? Int64(clamping: status.f_favail) : nil,
      isReadOnly: UInt(status.f_flag) & readOnlyFlag != 0)
  }

  /// ST_RDONLY of statvfs(3).
  private static let readOnlyFlag: UInt = 1
}

/// The number and the limit of a process's file descriptors: proc(5).
enum ProcessDescriptors {
  /// `nil` if the process has ended or belongs to another user.
  static func of(_ pid: Int32, named name: String) -> DoctorFacts.Descriptors? {
    guard let limits = try? SmallFile.read("/proc/\(pid)/limits"),
      let limit = limit(String(decoding: limits, as: UTF8.self)),
      let descriptors = try? DirectoryNames.read("/proc/\(pid)/fd", max: 1 << 20)
    else { return nil }
    return DoctorFacts.Descriptors(process: name, open: descriptors.count, limit: limit)
  }

  /// The soft limit in /proc/PID/limits.
  static func limit(_ limits: String) -> Int? {
    let line = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }
    return line?.split(separator: " ").dropFirst(3).first.flatMap { $0 == "unlimited" ? .max : Int($0) }
  }
}
