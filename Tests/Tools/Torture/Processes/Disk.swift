// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A small disk for state and downloads, and the faults it can have.
///
/// It is mounted in the mount namespace of this process and disappears with it.
final class Disk {
  /// In MiB: twice the size of all documents and downloads.
  private static let size = 320
  private static let attempts = 5

  /// Whether a separate disk was mounted, which can be filled.
  let isOwn: Bool
  private let path: String
  private var ballast: String { path + "/ballast" }

  /// - Parameter path: an empty directory.
  init(path: String) {
    self.path = path
    isOwn = Self.mayMount && mount("p2p-torture", path, "tmpfs", 0, "size=\(Self.size)m,mode=0700") == 0
  }

  /// bin/torture sets the variable in its own namespace. Elsewhere a mount would affect the whole machine.
  static var mayMount: Bool { getenv("P2P_TORTURE_NAMESPACE") != nil }

  // MARK: Full

  /// - Parameter rest: bytes to leave free; more if other writers interfere.
  func fill(rest: Int) -> Bool {
    guard isOwn else { return false }
    let descriptor = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // Other processes allocate meanwhile.
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

  // MARK: Read-only

  /// Whether a directory can be made read-only: a mount affects everyone, a mode everyone but root.
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

  /// Mounts a directory of another disk here, to keep logs complete while the disk is full.
  static func substitute(_ directory: String, with other: String) {
    if mayMount { _ = mount(other, directory, "", UInt(MS_BIND), nil) }
  }
}

/// RLIMIT_FSIZE of a running process: prlimit(1).
enum FileSizeLimit {
  static let program = "/usr/bin/prlimit"

  /// - Parameter bytes: `nil` removes the limit.
  static func set(_ bytes: Int?, of pid: Int32) -> Bool {
    let value = bytes.map(String.init) ?? "unlimited"
    // Only the soft limit: it can be raised again without privileges.
    let arguments = [program, "--pid", "\(pid)", "--fsize=\(value):"]
    let argv = arguments.map { strdup($0) } + [nil]
    defer { for pointer in argv { free(pointer) } }
    var child = pid_t()
    guard posix_spawn(&child, program, nil, nil, argv, environ) == 0 else { return false }
    var status: CInt = 0
    return waitpid(child, &status, 0) == child && status == 0
  }
}
