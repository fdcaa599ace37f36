// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import TestSupport
import Testing

@Suite struct FileLockTests {
  private let directory: TemporaryDirectory
  private let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("lock")
  }

  private func isFree() -> Bool {
    do throws(SystemError) {
      _ = try FileLock(path).release()
      return true
    } catch {
      #expect(error == SystemError(EWOULDBLOCK))
      return false
    }
  }

  @Test func `second lock is refused until the first is released`() throws {
    let lock = try FileLock(path)
    #expect(!isFree())
    lock.release()
    #expect(isFree())
    lock.release()
  }

  @Test func `held lock is seen without taking it`() throws {
    #expect(!FileLock.isHeld(path), "no file")
    do {
      let lock = try FileLock(path)
      #expect(FileLock.isHeld(path))
      #expect(!isFree())
      lock.release()
      #expect(!FileLock.isHeld(path))
    }
    #expect(!FileLock.isHeld(directory.path + "/missing/lock"))
    #expect(isFree())
  }

  @Test func `lock ends with its value, and the file stays`() throws {
    do {
      let lock = try FileLock(path)
      #expect(!isFree())
      _ = lock.descriptor
    }
    #expect(isFree())
    #expect(access(path, F_OK) == 0)
  }

  @Test func `lock survives that its file is read and closed`() throws {
    let lock = try FileLock(path)
    #expect(try SmallFile.read(path) == [])
    #expect(!isFree())
    lock.release()
  }

  @Test(.timeLimit(.minutes(1))) func `lock of another process is respected and ends with it`() throws {
    let release = directory.file("release")
    try #require(mkfifo(release, 0o600) == 0)
    // util-linux's flock(1) uses flock(2) as well.
    let child = try #require(popen("flock -x \(path) sh -c 'echo locked; read line < \(release)'", "r"))
    #expect(try SmallFile.prefix(of: fileno(child), max: 6) == Array("locked".utf8))
    #expect(!isFree())
    let writer = open(release, O_WRONLY | O_CLOEXEC)
    close(writer)
    pclose(child)
    #expect(isFree())
  }

  @Test func `lock file is private and no link is followed`() throws {
    do { _ = try FileLock(path).release() }
    var status = stat()
    #expect(lstat(path, &status) == 0 && status.st_mode & 0o7777 == 0o600)
    let link = directory.file("link")
    try #require(symlink(path, link) == 0)
    #expect(throws: SystemError(ELOOP)) { _ = try FileLock(link).release() }
    #expect(throws: SystemError(EISDIR)) { _ = try FileLock(directory.path).release() }
    #expect(throws: SystemError(ENOENT)) { _ = try FileLock(directory.file("missing/lock")).release() }
  }

  @Test func `children do not inherit the lock`() throws {
    let lock = try FileLock(path)
    #expect(fcntl(lock.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    lock.release()
  }
}
