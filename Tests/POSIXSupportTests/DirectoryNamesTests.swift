// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import TestSupport
import Testing

@Suite struct DirectoryNamesTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  /// Creates an empty file whose name need not be text.
  private func create(_ name: [UInt8]) throws {
    let path = Array(directory.path.utf8) + [0x2F] + name + [0]
    let descriptor = path.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer {
      $0.baseAddress.map { open($0, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600) } ?? -1
    }
    try #require(descriptor >= 0)
    close(descriptor)
  }

  /// Foundation, which removes the directory, fails on a name that is not text.
  private func remove(_ name: [UInt8]) {
    let path = Array(directory.path.utf8) + [0x2F] + name + [0]
    path.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { path in
      if let path = path.baseAddress { unlink(path) }
    }
  }

  @Test func `names come as their bytes, without dot and dot-dot`() throws {
    let names: [[UInt8]] = [
      [0xFF, 0xFE], Array("ä".utf8), Array(".hidden".utf8), Array("...".utf8), [0x0A],
      Array(repeating: 0x78, count: 255),
    ]
    for name in names { try create(name) }
    #expect(Set(try DirectoryNames.read(directory.path, max: 100)) == Set(names))
    remove([0xFF, 0xFE])
  }

  @Test func `empty directory has no names`() throws {
    #expect(try DirectoryNames.read(directory.path, max: 100).isEmpty)
  }

  @Test(arguments: [0, 1, 3, 4, 5]) func `reading ends at the limit`(max: Int) throws {
    for name in ["a", "b", "c", "d"] { try directory.write(name, []) }
    #expect(try DirectoryNames.read(directory.path, max: max).count == min(max, 4))
  }

  @Test func `skipped names do not count against the limit`() throws {
    for number in 0..<50 { try directory.write("\(number)", []) }
    try directory.write("wanted", [])
    let found = try DirectoryNames.read(directory.path, max: 1) { name in
      let text = String(decoding: name, as: UTF8.self)
      return text == "wanted" ? text : nil
    }
    #expect(found == ["wanted"])
  }

  @Test func `what cannot be listed says why`() throws {
    let file = try directory.write("file", [])
    #expect(throws: SystemError(ENOENT)) { try DirectoryNames.read(directory.file("missing"), max: 9) }
    #expect(throws: SystemError(ENOTDIR)) { try DirectoryNames.read(file, max: 9) }
    #expect(throws: SystemError(EBADF)) { try DirectoryNames.read(directory: -1, max: 9) { $0 } }
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    #expect(throws: SystemError(ENOTDIR)) { try DirectoryNames.read(directory: descriptor, max: 9) { $0 } }
  }

  @Test(.enabled(if: geteuid() != 0, "root may read everything"))
  func `unreadable directory says why`() throws {
    chmod(directory.path, 0o300)
    defer { chmod(directory.path, 0o700) }
    #expect(throws: SystemError(EACCES)) { try DirectoryNames.read(directory.path, max: 9) }
  }

  @Test func `open directory is read from its beginning each time, whatever its name is now`() throws {
    let path = directory.file("inner")
    try #require(mkdir(path, 0o700) == 0)
    try directory.write("inner/a", [])
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(descriptor) }
    try #require(rename(path, directory.file("renamed")) == 0)
    for _ in 0..<2 {
      #expect(try DirectoryNames.read(directory: descriptor, max: 9) { $0 } == [[0x61]])
    }
  }

  @Test func `no descriptor stays open`() throws {
    try directory.write("a", [])
    // Other tests of this process open and close descriptors meanwhile, so only many leaks would show.
    let before = try DirectoryNames.read("/proc/self/fd", max: 1 << 20).count
    for _ in 0..<1_000 {
      _ = try DirectoryNames.read(directory.path, max: 1)
      _ = try? DirectoryNames.read(directory.file("a"), max: 1)
    }
    let after = try DirectoryNames.read("/proc/self/fd", max: 1 << 20).count
    #expect(after < before + 500)
  }
}
