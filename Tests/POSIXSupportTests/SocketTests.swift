// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import TestSupport
import Testing

private let stream = CInt(SOCK_STREAM.rawValue)

@Suite struct PeerCredentialsTests {
  @Test func `both ends of a socket pair belong to this process`() throws {
    var pair: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, stream, 0, &pair) == 0)
    defer { for descriptor in pair { close(descriptor) } }
    let expected = PeerCredentials(user: geteuid(), group: getegid(), process: getpid())
    #expect(pair.map { PeerCredentials.read(from: $0) } == [expected, expected])
  }

  @Test func `sockets without a Unix peer have none`() {
    for family in [AF_UNIX, AF_INET] {
      let descriptor = socket(family, stream, 0)
      defer { close(descriptor) }
      #expect(PeerCredentials.read(from: descriptor) == nil)
    }
  }

  @Test func `a descriptor that is not a socket has none`() throws {
    let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
    try #require(file >= 0)
    defer { close(file) }
    #expect(PeerCredentials.read(from: file) == nil)
    #expect(PeerCredentials.read(from: -1) == nil)
  }
}

@Suite struct InheritedSocketTests {
  @Test func `a listening socket is told from one that only could listen`() throws {
    let directory = try TemporaryDirectory()
    let listener = try UnixListener.listen(at: directory.file("socket"))
    defer { close(listener) }
    let idle = socket(AF_INET, stream, 0)
    defer { close(idle) }
    #expect(InheritedSocket.isOpen(listener) && InheritedSocket.isSocket(listener))
    #expect(InheritedSocket.isListening(listener))
    #expect(InheritedSocket.isOpen(idle) && InheritedSocket.isSocket(idle))
    #expect(!InheritedSocket.isListening(idle))
  }

  @Test func `files and closed numbers are no sockets`() throws {
    let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(file) }
    #expect(InheritedSocket.isOpen(file) && !InheritedSocket.isSocket(file) && !InheritedSocket.isListening(file))
    for closed: CInt in [-1, .max] {
      #expect(!InheritedSocket.isOpen(closed) && !InheritedSocket.isSocket(closed))
      #expect(!InheritedSocket.isListening(closed))
    }
  }

  @Test func `a kept socket is closed on exec`() {
    let descriptor = socket(AF_UNIX, stream, 0)
    defer { close(descriptor) }
    #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC == 0)
    InheritedSocket.keepFromChildren(descriptor)
    #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
    InheritedSocket.keepFromChildren(-1)
  }
}
