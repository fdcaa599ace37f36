// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import Testing

@Suite struct PeerCredentialsTests {
  @Test func `both ends of a socket pair belong to this process`() throws {
    var pair: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair) == 0)
    defer { for descriptor in pair { close(descriptor) } }
    let expected = PeerCredentials(user: geteuid(), group: getegid(), process: getpid())
    #expect(pair.map { PeerCredentials.read(from: $0) } == [expected, expected])
  }

  @Test func `a descriptor that is not a socket has none`() throws {
    let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
    try #require(file >= 0)
    defer { close(file) }
    #expect(PeerCredentials.read(from: file) == nil)
    #expect(PeerCredentials.read(from: -1) == nil)
  }
}
