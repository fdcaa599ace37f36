// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import POSIXSupport
import TestSupport
import Testing

@Suite struct CurrentProcessTests {
  /// Calls `body` on a thread that has its working and root directory to itself: CLONE_FS in unshare(2).
  private func onOwnDirectories(_ body: @escaping @Sendable () -> String?) async -> String?? {
    await withCheckedContinuation { continuation in
      Thread {
        guard Self.unshareDirectories() else { return continuation.resume(returning: nil) }
        continuation.resume(returning: .some(body()))
      }.start()
    }
  }

  /// Swift's Glibc does not declare unshare(2).
  private static func unshareDirectories() -> Bool {
    guard let symbol = dlsym(nil, "unshare") else { return false }
    let cloneFS: CInt = 0x200
    return unsafeBitCast(symbol, to: (@convention(c) (CInt) -> CInt).self)(cloneFS) == 0
  }

  @Test func `working directory is absolute`() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path
    let found = await onOwnDirectories {
      chdir(path)
      return CurrentProcess.workingDirectory()
    }
    #expect(found == path)
  }

  @Test func `removed working directory is none`() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("gone")
    let found = await onOwnDirectories {
      guard mkdir(path, 0o700) == 0, chdir(path) == 0, rmdir(path) == 0 else { return "cannot prepare" }
      return CurrentProcess.workingDirectory()
    }
    #expect(found == .some(nil))
  }

  @Test(.enabled(if: geteuid() == 0, "chroot(2) is root's"))
  func `working directory outside the root directory is none`() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path
    let found = await onOwnDirectories {
      guard chdir("/") == 0, chroot(path) == 0 else { return "cannot prepare" }
      return CurrentProcess.workingDirectory()
    }
    #expect(found == .some(nil))
  }

  @Test func `environment has every variable as getenv has it`() {
    let environment = CurrentProcess.environment()
    #expect(!environment.isEmpty && environment[""] == nil)
    for (name, value) in environment {
      #expect(getenv(name).map { String(cString: $0) } == value, "\(name)")
    }
  }

  @Test func `executable lies in its directory`() throws {
    let path = try #require(realpath("/proc/self/exe", nil))
    defer { free(path) }
    let executable = String(cString: path)
    let slash = try #require(executable.lastIndex(of: "/"))
    #expect(CurrentProcess.executableDirectory() == String(executable[..<slash]))
  }
}
