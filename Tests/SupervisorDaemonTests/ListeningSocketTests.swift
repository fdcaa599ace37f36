// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import Glibc
import POSIXSupport
import SupervisorDaemon
import SystemPackage
import TestSupport
import Testing

@Suite struct ListeningSocketTests {
  @Test func `chosen port is reported`() throws {
    let socket = try ListeningSocket.tcp(Endpoint(host: "127.0.0.1", port: 0))
    defer { socket.close() }
    let endpoint = try #require(socket.endpoint)
    #expect(endpoint.host == "127.0.0.1" && endpoint.port > 0)
    _ = try RawConnection(to: endpoint)
  }

  @Test func `all addresses means both families`() throws {
    let socket = try ListeningSocket.tcp(Endpoint(host: "", port: 0))
    defer { socket.close() }
    let endpoint = try #require(socket.endpoint)
    #expect(["::", "0.0.0.0"].contains(endpoint.host))
    _ = try RawConnection(to: Endpoint(host: "127.0.0.1", port: endpoint.port))
  }

  @Test func `localhost and numeric addresses only`() throws {
    let local = try ListeningSocket.tcp(Endpoint(host: "localhost", port: 0))
    #expect(local.endpoint?.host == "127.0.0.1")
    local.close()
    for host in ["example.org", "1.2.3", "::g", "127.0.0.1 "] {
      let endpoint = Endpoint(host: host, port: 0)
      #expect(throws: ListeningSocket.Failure(what: .notAnAddress(endpoint), errno: .invalidArgument)) {
        try ListeningSocket.tcp(endpoint)
      }
    }
  }

  @Test func `address in use is reported`() throws {
    let socket = try ListeningSocket.tcp(Endpoint(host: "127.0.0.1", port: 0))
    defer { socket.close() }
    let endpoint = try #require(socket.endpoint)
    let failure = #expect(throws: ListeningSocket.Failure.self) { try ListeningSocket.tcp(endpoint) }
    #expect(failure?.isAddressInUse == true)
  }

  @Test(arguments: ["file", "link", "fifo", "directory"])
  func `what is no socket is moved aside`(kind: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("alice.sock")
    switch kind {
    case "file": try directory.write("alice.sock", [1])
    case "link": #expect(symlink("nowhere", path) == 0)
    case "fifo": #expect(mkfifo(path, 0o600) == 0)
    default: #expect(mkdir(path, 0o700) == 0)
    }
    let socket = try ListeningSocket.unix(path)
    defer { socket.close() }
    _ = try RawConnection(path: path)
    var status = stat()
    #expect(lstat(path + ".aside", &status) == 0)
  }

  @Test func `Unix socket is private and replaces a stale one`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("alice.sock")
    let stale = try ListeningSocket.unix(path)
    try stale.descriptor.close()
    let socket = try ListeningSocket.unix(path)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    _ = try RawConnection(path: path)
    socket.close()
    #expect(access(path, F_OK) != 0)
  }

  @Test func `path of more than 107 bytes is refused`() throws {
    let directory = try TemporaryDirectory()
    let room = UnixSocketAddress.maxPathLength - directory.path.utf8.count - 1
    let fitting = directory.file(String(repeating: "a", count: room))
    try ListeningSocket.unix(fitting).close()
    #expect(throws: ListeningSocket.Failure.self) { try ListeningSocket.unix(fitting + "b") }
  }
}

@Suite struct SocketAddressTests {
  @Test(arguments: ["127.0.0.1:80", "[::1]:65535", "[2001:db8::7]:1", "0.0.0.0:0"])
  func `numeric address round-trips`(text: String) throws {
    #expect(SocketAddress(try Endpoint(text))?.endpoint.map { "\($0)" } == text)
  }
}

@Suite struct IndexProbeTests {
  /// Answers one connection with the given line, after its `hello`.
  private func answer(_ line: String) throws -> Endpoint {
    let socket = try ListeningSocket.tcp(Endpoint(host: "127.0.0.1", port: 0))
    let descriptor = socket.descriptor
    Thread {
      var waiting = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 20_000) == 1 else { return }
      let connection = FileDescriptor(rawValue: accept(descriptor.rawValue, nil, nil))
      var hello = [UInt8](repeating: 0, count: 1_024)
      _ = try? hello.withUnsafeMutableBytes { try connection.read(into: $0) }
      _ = try? connection.writeAll(Array("\(line)\n".utf8))
      try? connection.close()
      socket.close()
    }.start()
    return try #require(socket.endpoint)
  }

  private func probe(_ endpoint: Endpoint) throws -> Bool {
    IndexProbe.answers(at: try #require(SocketAddress(endpoint)), timeout: .seconds(20))
  }

  @Test func `index is recognised by its hello`() throws {
    #expect(try probe(answer(#"{"id":1,"status":200,"protocol":1,"server":"p2p-index/9.9.9"}"#)))
  }

  @Test(arguments: [#"{"id":1,"status":200,"server":"p2p-peer/0.1.0"}"#, "HTTP/1.1 400 Bad Request", "{}"])
  func `other server is not an index`(line: String) throws {
    #expect(try !probe(answer(line)))
  }

  @Test func `unreachable address is not an index`() throws {
    let socket = try ListeningSocket.tcp(Endpoint(host: "127.0.0.1", port: 0))
    let endpoint = try #require(socket.endpoint)
    let address = try #require(SocketAddress(endpoint))
    #expect(!IndexProbe.answers(at: address, timeout: .milliseconds(50)))
    socket.close()
    #expect(!IndexProbe.answers(at: address))
  }
}
