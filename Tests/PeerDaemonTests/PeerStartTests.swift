// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import LineTransport
import Logging
import NIOCore
import NIOPosix
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Failed starts report the reason and leave nothing behind.
@Suite struct PeerStartTests {
  private func failure(
    _ change: (inout PeerDaemon.Settings, TemporaryDirectory) throws -> Void
  ) async throws -> String {
    let directory = try TemporaryDirectory()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let socket = directory.file("control.sock")
    var settings = PeerDaemon.Settings(
      name: try PeerName("alice"), state: directory.file("state"), index: Endpoint(host: "127.0.0.1", port: 1),
      uploads: .address(host: "127.0.0.1", port: 0), control: .unix(path: socket), controlPath: socket)
    try change(&settings, directory)
    let error = await #expect(throws: PeerStartError.self) {
      try await PeerDaemon.start(settings, group: group, logger: Logger(label: "alice"))
    }
    try await group.shutdownGracefully()
    return error?.description ?? ""
  }

  @Test func `unusable state directory fails the start`() async throws {
    let missing = try await failure { settings, directory in settings.state = directory.file("no/state") }
    #expect(missing.contains("/no/state"))
    #expect(missing.contains("No such file or directory"))
    let file = try await failure { settings, directory in settings.state = try directory.write("file", [1]) }
    #expect(file.contains("/file"))
  }

  /// A supervisor then retries on its own.
  @Test func `full disk is a temporary failure`() {
    #expect(PeerStartError(StoreError(.noSpace, "/x", "database or disk is full")).isTemporary)
    #expect(PeerStartError(StoreError(.inputOutput, "/x", "disk I/O error")).isTemporary)
    #expect(!PeerStartError(StoreError(.catalogueFailed, "/x", "made by a newer version")).isTemporary)
    #expect(!PeerStartError("the key cannot be read").isTemporary)
  }

  @Test func `invalid key file fails the start`() async throws {
    let message = try await failure { settings, directory in
      #expect(mkdir(settings.state, 0o700) == 0)
      try directory.write("state/key.pem", Array("nonsense".utf8))
      #expect(chmod(directory.file("state/key.pem"), 0o600) == 0)
    }
    #expect(message.contains("key.pem"))
  }

  @Test func `address in use fails the start`() async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withPeer(acknowledgement: .milliseconds(50)) { alice in
        let taken = alice.daemon.uploads
        let uploads = try await failure { settings, _ in
          settings.uploads = .address(host: taken.host, port: taken.port)
        }
        #expect(uploads.contains("\(taken)"))
        #expect(uploads.contains("in use"))
        let control = try await failure { settings, _ in
          settings.control = .unix(path: alice.socket)
          settings.controlPath = alice.socket
        }
        #expect(control.contains(alice.socket))
        let state = try await failure { settings, _ in settings.state = fixture.directory.file("state-alice") }
        #expect(state.contains("another peer runs with this state"))
        #expect(try await alice.ask(.status).reply != nil, "the first is not disturbed")
      }
    }
  }
}
