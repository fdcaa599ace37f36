// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineTransport
import NIOCore
import Testing

@Suite struct ListenFailureTests {
  private let address = "127.0.0.1:80"

  @Test(arguments: [
    (
      EADDRINUSE,
      "Address already in use. Another process may already be listening there; --listen HOST:PORT chooses another address"
    ),
    (EADDRNOTAVAIL, "Cannot assign requested address. --listen takes an address of this machine"),
    (EACCES, "Permission denied. Ports below 1024 require root or CAP_NET_BIND_SERVICE"),
    (EMFILE, "Too many open files"),
  ])
  func `message names the address, the cause and the cure`(code: CInt, words: String) {
    let error = IOError(errnoCode: code, reason: "bind")
    #expect(ListenFailure.explain(error, listen: address) == "cannot listen at 127.0.0.1:80: \(words)")
  }

  @Test func `other errors are passed on as they are`() {
    struct Strange: Error, CustomStringConvertible {
      let description = "the moon is full"
    }
    #expect(
      ListenFailure.explain(Strange(), listen: address) == "cannot listen at 127.0.0.1:80: the moon is full")
  }
}
