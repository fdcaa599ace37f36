// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import TestSupport
import Testing

@Suite struct SmallFileTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  // MARK: Reading

  @Test(arguments: [0, 1, 16_383, 16_384, 16_385, 100_000]) func `file is read whole`(count: Int) throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let path = try directory.write("file", bytes)
    #expect(try SmallFile.read(path, max: count) == bytes)
    #expect(try SmallFile.prefix(of: path, max: count + 1) == bytes)
  }

  @Test func `file over the limit is refused, not cut`() throws {
    let path = try directory.write("file", [1, 2, 3])
    #expect(throws: SystemError(EFBIG)) { try SmallFile.read(path, max: 2) }
    #expect(throws: SystemError(EFBIG)) { try SmallFile.read(path, max: 0) }
    #expect(throws: SystemError(EFBIG)) { try SmallFile.read("/dev/zero", max: 10) }
    #expect(try SmallFile.prefix(of: path, max: 2) == [1, 2])
    #expect(try SmallFile.prefix(of: path, max: 0) == [])
  }

  @Test func `file of /proc, which has no size, is read`() throws {
    let status = String(decoding: try SmallFile.read("/proc/self/stat"), as: UTF8.self)
    #expect(status.hasPrefix("\(getpid()) ("))
  }

  @Test(.timeLimit(.minutes(1))) func `FIFO is refused and not waited for`() throws {
    let path = directory.file("fifo")
    try #require(mkfifo(path, 0o600) == 0)
    #expect(throws: SystemError(EINVAL)) { try SmallFile.read(path) }
    let writer = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK)
    defer { close(writer) }
    #expect(throws: SystemError(EINVAL), "nor with a writer") { try SmallFile.prefix(of: path, max: 10) }
  }

  @Test func `link is followed only on request`() throws {
    let file = try directory.write("file", [7])
    let link = directory.file("link")
    try #require(symlink(file, link) == 0)
    #expect(try SmallFile.read(link) == [7])
    #expect(try SmallFile.read(file, followsLinks: false) == [7])
    #expect(throws: SystemError(ELOOP)) { try SmallFile.read(link, followsLinks: false) }
  }

  @Test func `what is not a file says why`() throws {
    #expect(throws: SystemError(ENOENT)) { try SmallFile.read(directory.file("missing")) }
    #expect(throws: SystemError(EISDIR)) { try SmallFile.read(directory.path) }
    #expect(throws: SystemError(ENOTDIR)) { try SmallFile.read(try directory.write("file", []) + "/x") }
    close(try UnixListener.listen(at: directory.file("socket")))
    #expect(throws: SystemError(ENXIO)) { try SmallFile.read(directory.file("socket")) }
    #expect(throws: SystemError(EBADF)) { try SmallFile.prefix(of: -1, max: 10) }
  }

  @Test(.enabled(if: geteuid() != 0, "root may read everything"))
  func `unreadable file says why`() throws {
    let path = try directory.write("file", [1])
    chmod(path, 0o200)
    #expect(throws: SystemError(EACCES)) { try SmallFile.read(path) }
  }

  @Test func `open file is read on from where it stands`() throws {
    let descriptor = open(try directory.write("file", [1, 2, 3, 4]), O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    #expect(try SmallFile.prefix(of: descriptor, max: 3) == [1, 2, 3])
    #expect(try SmallFile.prefix(of: descriptor, max: 3) == [4])
    #expect(try SmallFile.prefix(of: descriptor, max: 3) == [])
  }

  // MARK: Replacing

  @Test func `file is replaced whole and belongs to its owner alone`() throws {
    let path = directory.file("record")
    try SmallFile.replace(path, with: Array(repeating: 1, count: 100_000))
    try SmallFile.replace(path, with: [4])
    #expect(try SmallFile.read(path) == [4])
    try SmallFile.replace(path, with: [])
    #expect(try SmallFile.read(path) == [])
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(try DirectoryNames.read(directory.path, max: 9) == [Array("record".utf8)])
  }

  @Test func `a failed replacement leaves the old file and no other`() throws {
    let path = directory.file("record")
    try #require(mkdir(path, 0o700) == 0)
    #expect(throws: SystemError(EISDIR)) { try SmallFile.replace(path, with: [1]) }
    #expect(try DirectoryNames.read(directory.path, max: 9) == [Array("record".utf8)])
    #expect(throws: SystemError(ENOENT)) { try SmallFile.replace(directory.file("missing/record"), with: [1]) }
  }

  @Test(.timeLimit(.minutes(1))) func `planted link or FIFO is not written to`() throws {
    let victim = try directory.write("victim", [7])
    let path = directory.file("record")
    try #require(symlink(victim, "\(path).new") == 0)
    #expect(throws: SystemError(ELOOP)) { try SmallFile.replace(path, with: [1]) }
    #expect(TemporaryDirectory.read(victim) == [7])
    unlink("\(path).new")
    try #require(mkfifo("\(path).new", 0o600) == 0)
    #expect(throws: SystemError(ENXIO)) { try SmallFile.replace(path, with: [1]) }
  }
}
