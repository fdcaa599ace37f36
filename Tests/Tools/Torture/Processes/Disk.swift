// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The small disk on which state and downloads lie, and what can be done to it.
///
/// It lives in a mount namespace of this process: nothing of it is left when that ends.
final class Disk {
  /// In MiB: what all documents and downloads need, twice over.
  private static let size = 320
  private static let attempts = 5

  /// Whether this is a disk of its own that can be filled.
  let isOwn: Bool
  private let path: String
  private var ballast: String { path + "/ballast" }

  /// - Parameter path: an empty directory.
  init(path: String) {
    self.path = path
    isOwn = Self.mayMount && mount("p2p-torture", path, "tmpfs", 0, "size=\(Self.size)m,mode=0700") == 0
  }

  /// bin/torture says so where it has made a namespace: elsewhere a mount would be everybody's.
  static var mayMount: Bool { getenv("P2P_TORTURE_NAMESPACE") != nil }

  // MARK: No room

  /// - Parameter rest: what stays free, in bytes; a few times as much where others need it just now.
  func fill(rest: Int) -> Bool {
    guard isOwn else { return false }
    let descriptor = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // Others take from what is free meanwhile.
    for attempt in 1...Self.attempts {
      var place = statvfs()
      guard statvfs(path, &place) == 0 else { return false }
      let free = Int(place.f_bavail) * Int(place.f_frsize)
      let wanted = free - rest * attempt
      if wanted <= 0 || posix_fallocate(descriptor, 0, wanted) == 0 { return true }
    }
    return false
  }

  func empty() {
    unlink(ballast)
  }

  // MARK: No writing

  /// What can make a directory read-only here: a mount binds everybody, modes bind all but root.
  static var canProtect: Bool { mayMount || geteuid() != 0 }

  static func protect(_ directory: String) -> Bool {
    guard mayMount else { return chmod(directory, 0o500) == 0 }
    guard mount(directory, directory, "", UInt(MS_BIND), nil) == 0 else { return false }
    let flags = UInt(MS_BIND | MS_REMOUNT | MS_RDONLY)
    if mount("", directory, "", flags, nil) == 0 { return true }
    unprotect(directory)
    return false
  }

  static func unprotect(_ directory: String) {
    if mayMount { umount2(directory, CInt(MNT_DETACH)) } else { chmod(directory, 0o700) }
  }

  // MARK: Evidence

  /// Puts a directory of another disk in the place of one on this: logs are to tell also what happens on a full disk.
  static func substitute(_ directory: String, with other: String) {
    if mayMount { _ = mount(other, directory, "", UInt(MS_BIND), nil) }
  }
}
