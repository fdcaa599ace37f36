// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import TestSupport
import Testing

@Suite struct UnixSocketAddressTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func withSocket(_ body: (CInt) throws -> Void) rethrows {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    try body(descriptor)
  }

  @Test func `longest path is bound and connected as it is`() throws {
    let room = UnixSocketAddress.maxPathLength - directory.path.utf8.count - 1
    let path = directory.file(String(repeating: "a", count: room))
    let address = try UnixSocketAddress(path: path)
    try withSocket { listener in
      try address.bind(listener)
      #expect(access(path, F_OK) == 0)
      withSocket { client in
        #expect(throws: SystemError(ECONNREFUSED), "not listening yet") { try address.connect(client) }
      }
      try #require(listen(listener, 1) == 0)
      try withSocket { try address.connect($0) }
    }
  }

  @Test func `path that does not fit is refused with its length`() {
    for count in [0, 108, 500] {
      let path = String(repeating: "é", count: count / 2)
      let error = #expect(throws: UnixSocketPathError.self) { try UnixSocketAddress(path: path) }
      #expect(error?.description.hasSuffix("has 1 to 107 bytes, \(path) has \(count)") == true)
    }
  }

  @Test func `path with a NUL is not cut short`() {
    let error = #expect(throws: UnixSocketPathError.self) { try UnixSocketAddress(path: "/tmp/a\0b") }
    #expect(error?.description.contains("NUL") == true)
  }

  @Test func `failures carry the errno of the call`() throws {
    let missing = try UnixSocketAddress(path: directory.file("missing/socket"))
    let file = try UnixSocketAddress(path: try directory.write("file", []))
    withSocket { descriptor in
      #expect(throws: SystemError(ENOENT)) { try missing.connect(descriptor) }
      #expect(throws: SystemError(ENOENT)) { try missing.bind(descriptor) }
      #expect(throws: SystemError(ECONNREFUSED)) { try file.connect(descriptor) }
      #expect(throws: SystemError(EADDRINUSE)) { try file.bind(descriptor) }
    }
    #expect(throws: SystemError(EBADF)) { try file.connect(-1) }
    #expect(SystemError(ENOENT).description == "No such file or directory")
  }

  @Test func `abstract name has no file and exactly its own length`() throws {
    #expect(UnixSocketAddress(abstractName: "") == nil)
    #expect(UnixSocketAddress(abstractName: String(repeating: "x", count: 108)) == nil)
    let name = directory.file("abstract")
    let address = try #require(UnixSocketAddress(abstractName: name))
    #expect(address.withPointer { _, length in Int(length) } == 2 + 1 + name.utf8.count)
    let longer = try #require(UnixSocketAddress(abstractName: name + "\0"))
    try withSocket { listener in
      try address.bind(listener)
      try #require(listen(listener, 1) == 0)
      #expect(access(name, F_OK) != 0)
      try withSocket { try address.connect($0) }
      withSocket { client in
        #expect(throws: SystemError(ECONNREFUSED)) { try longer.connect(client) }
      }
    }
  }
}
