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

  @Test func `a failed replacement leaves no file`() throws {
    #expect(throws: SystemError(ENOENT)) { try SmallFile.replace(directory.file("missing/record"), with: [1]) }
    #expect(try DirectoryNames.read(directory.path, max: 9).isEmpty)
  }

  @Test func `directory in the way is moved aside`() throws {
    let path = directory.file("record")
    try #require(mkdir(path, 0o700) == 0)
    try directory.write("record/mine", [7])
    try SmallFile.replace(path, with: [1])
    #expect(try SmallFile.read(path) == [1])
    #expect(TemporaryDirectory.read("\(path).aside/mine") == [7])
  }

  @Test(.timeLimit(.minutes(1))) func `link and FIFO in the way are replaced, not written to`() throws {
    let victim = try directory.write("victim", [7])
    let path = directory.file("record")
    for place in [path, "\(path).new"] {
      try #require(symlink(victim, place) == 0)
      try SmallFile.replace(path, with: [1])
      #expect(TemporaryDirectory.read(victim) == [7])
      #expect(try SmallFile.read(path, followsLinks: false) == [1])
      unlink(path)
      try #require(mkfifo(place, 0o600) == 0)
      try SmallFile.replace(path, with: [2])
      #expect(try SmallFile.read(path, followsLinks: false) == [2])
      unlink(path)
    }
    // A directory that is not empty cannot be removed, so another name is used.
    try #require(mkdir("\(path).new", 0o700) == 0)
    try directory.write("record.new/mine", [7])
    try SmallFile.replace(path, with: [3])
    #expect(try SmallFile.read(path) == [3])
    #expect(TemporaryDirectory.read("\(path).new/mine") == [7])
  }
}

@Suite struct AppendedFileTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func append(_ text: String, to path: String) throws {
    let descriptor = try AppendedFile.open(path)
    defer { close(descriptor) }
    #expect(write(descriptor, text, text.utf8.count) == text.utf8.count)
  }

  @Test func `file is created for its owner and appended to`() throws {
    let path = directory.file("log")
    try append("a\n", to: path)
    try append("b\n", to: path)
    #expect(TemporaryDirectory.read(path) == Array("a\nb\n".utf8))
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
  }

  enum Obstacle: CaseIterable { case fifo, servedFifo, directory, link, socket }

  @Test(.timeLimit(.minutes(1)), arguments: Obstacle.allCases)
  func `what lies in the way is moved aside`(obstacle: Obstacle) throws {
    let path = directory.file("log")
    let victim = try directory.write("victim", [7])
    var reader: CInt = -1
    defer { close(reader) }
    switch obstacle {
    case .fifo: try #require(mkfifo(path, 0o600) == 0)
    case .servedFifo:
      try #require(mkfifo(path, 0o600) == 0)
      reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    case .directory: try #require(mkdir(path, 0o700) == 0)
    case .link: try #require(symlink(victim, path) == 0)
    case .socket: reader = try UnixListener.listen(at: path)
    }
    try append("x\n", to: path)
    #expect(TemporaryDirectory.read(path) == Array("x\n".utf8))
    #expect(TemporaryDirectory.read(victim) == [7])
    var status = stat()
    #expect(lstat("\(path).aside", &status) == 0)
  }

  @Test func `missing directory is an error`() throws {
    #expect(throws: SystemError(ENOENT)) { try AppendedFile.open(directory.file("missing/log")) }
    #expect(throws: SystemError(ENOTDIR)) { try AppendedFile.open(try directory.write("file", []) + "/log") }
  }
}

@Suite struct ProcessExecutableTests {
  @Test func `program of a process is named`() {
    #expect(ProcessExecutable.name(of: getpid())?.isEmpty == false)
    #expect(ProcessExecutable.name(of: .max) == nil)
    #expect(ProcessExecutable.name(ofLink: "/usr/bin/p2p-peer") == "p2p-peer")
    #expect(ProcessExecutable.name(ofLink: "/usr/bin/p2p-peer (deleted)") == "p2p-peer")
    #expect(ProcessExecutable.name(ofLink: "/") == "")
  }
}
