// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import PeerIdentity
import TestSupport
import Testing

/// Clients that are not ours: those of OpenSSL, and those that never complete a handshake.
@Suite struct HostileHandshakeTests {
  private static let openssl = Program(ofSystem: "/usr/bin/openssl")
  private static let hasOpenSSL = openssl != nil

  /// The beginning of a ClientHello of 512 bytes.
  private static let start: [UInt8] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3]

  // MARK: Half-open handshakes

  @Test func `handshake that does not go on is closed in time`() async throws {
    let fixture = try await TLSFixture { $0.time = .milliseconds(50) }
    let connection = try RawConnection(to: fixture.endpoint)
    try connection.send(Self.start)
    #expect(connection.isClosedByPeer())
  }

  @Test func `trickled handshake gets no more time`() async throws {
    let fixture = try await TLSFixture { $0.time = .milliseconds(300) }
    let isClosed = try await onThread { [endpoint = fixture.endpoint] in
      let connection = try RawConnection(to: endpoint)
      try connection.send(Self.start)
      // A byte every 5 ms, until sending fails.
      return eventuallyOnThread(within: .seconds(20)) { (try? connection.send([0])) == nil }
    }
    #expect(isClosed)
  }

  @Test func `handshake of too many bytes is closed`() async throws {
    let fixture = try await TLSFixture { $0.bytes = 1000 }
    let connection = try RawConnection(to: fixture.endpoint)
    connection.sendWithoutWaiting([0x16, 3, 1, 0x3F, 0xFF, 1, 0, 0x3F, 0xFB] + [UInt8](repeating: 3, count: 2000))
    #expect(connection.isClosedByPeer())
  }

  @Test(
    arguments: [
      [0x16], [0x16, 0xFF, 0xFF, 0xFF, 0xFF], [0x16, 3, 1, 0, 4, 2, 0, 0, 0], [UInt8](repeating: 0x16, count: 5000),
    ] as [[UInt8]])
  func `garbage is no handshake`(bytes: [UInt8]) async throws {
    let fixture = try await TLSFixture { $0.time = .milliseconds(200) }
    let connection = try RawConnection(to: fixture.endpoint)
    connection.sendWithoutWaiting(bytes)
    #expect(connection.isClosedByPeer())
    let client = try fixture.identity("client")
    #expect(try await fixture.ask("who", as: client, expected: nil).line == client.id.hex)
  }

  @Test func `half-open handshakes make others wait, not fail`() async throws {
    let fixture = try await TLSFixture { ($0.total, $0.time) = (2, .milliseconds(200)) }
    let idle = try (0..<6).map { _ in try RawConnection(to: fixture.endpoint) }
    for connection in idle { try connection.send(Self.start) }
    let client = try fixture.identity("client")
    #expect(try await fixture.ask("who", as: client, expected: nil).line == client.id.hex)
    withExtendedLifetime(idle) {}
  }

  @Test func `handshakes that do not go on end early while others wait`() async throws {
    let fixture = try await TLSFixture { ($0.total, $0.time, $0.crowdedTime) = (2, .hours(1), .milliseconds(50)) }
    let idle = try (0..<6).map { _ in try RawConnection(to: fixture.endpoint) }
    for connection in idle { try connection.send(Self.start) }
    let client = try fixture.identity("client")
    #expect(try await fixture.ask("who", as: client, expected: nil).line == client.id.hex)
    withExtendedLifetime(idle) {}
  }

  // MARK: OpenSSL

  /// Writes a certificate and its key into the directory of the fixture.
  private func certificate(_ name: String, _ key: [String], in fixture: TLSFixture) async throws {
    let outcome = try await #require(Self.openssl).run(
      ["req", "-x509", "-nodes", "-newkey"] + key + [
        "-subj", "/CN=x", "-days", "1", "-keyout", fixture.directory.file(name + ".key"), "-out",
        fixture.directory.file(name + ".crt"),
      ])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  /// Sends `who` by `openssl s_client`.
  private func probe(_ options: [String], _ fixture: TLSFixture) async throws -> Program.Outcome {
    let command =
      "(echo who; sleep 0.2) | openssl s_client -connect \(fixture.endpoint) -quiet \(options.joined(separator: " "))"
    return try await #require(Program(ofSystem: "/bin/sh")).run("-c", command)
  }

  @Test(.enabled(if: hasOpenSSL)) func `client of another library proves its id`() async throws {
    let fixture = try await TLSFixture()
    try await certificate("p256", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], in: fixture)
    let paths = ["crt", "key"].map { fixture.directory.file("p256." + $0) }
    let outcome = try await probe(["-cert", paths[0], "-key", paths[1], "-no_ign_eof"], fixture)
    let identity = try await #require(Program(ofSystem: "/bin/sh")).run(
      "-c", "openssl pkey -in \(paths[1]) -pubout -outform DER | sha256sum | cut -c1-64")
    #expect(outcome.lines == identity.lines, "\(outcome.errors)")
  }

  @Test(
    .enabled(if: hasOpenSSL),
    arguments: [
      ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], ["ed25519"], ["rsa:2048"],
      ["ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
    ])
  func `certificates of other keys are refused`(key: [String]) async throws {
    let fixture = try await TLSFixture()
    try await certificate("other", key, in: fixture)
    let paths = ["crt", "key"].map { fixture.directory.file("other." + $0) }
    let outcome = try await probe(["-cert", paths[0], "-key", paths[1]], fixture)
    #expect(outcome.lines.isEmpty && outcome.status != 0)
  }

  @Test(.enabled(if: hasOpenSSL)) func `client without a certificate is refused`() async throws {
    let fixture = try await TLSFixture()
    let outcome = try await probe([], fixture)
    #expect(outcome.lines.isEmpty && outcome.status != 0)
    #expect(outcome.errors.contains("alert certificate required"), "\(outcome.errors)")
  }

  @Test(.enabled(if: hasOpenSSL), arguments: ["-tls1_2", "-tls1_1"]) func `older versions are refused`(
    version: String
  ) async throws {
    let fixture = try await TLSFixture()
    try await certificate("p256", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], in: fixture)
    let paths = ["crt", "key"].map { fixture.directory.file("p256." + $0) }
    let outcome = try await probe(["-cert", paths[0], "-key", paths[1], version], fixture)
    #expect(outcome.lines.isEmpty && outcome.status != 0)
    #expect(outcome.errors.contains("alert protocol version") || version == "-tls1_1", "\(outcome.errors)")
  }

  /// The handshake of a resumed session has no certificate: the id is that of the first one.
  @Test(.enabled(if: hasOpenSSL)) func `resumed session has the id of its first handshake`() async throws {
    let fixture = try await TLSFixture()
    try await certificate("p256", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], in: fixture)
    let paths = ["crt", "key", "session"].map { fixture.directory.file("p256." + $0) }
    let first = try await probe(["-cert", paths[0], "-key", paths[1], "-no_ign_eof", "-sess_out", paths[2]], fixture)
    let again = try await probe(["-no_ign_eof", "-sess_in", paths[2]], fixture)
    #expect(first.lines.count == 1 && (again.lines == first.lines || again.lines.isEmpty))
  }

  // MARK: Our certificate

  @Test(.enabled(if: hasOpenSSL)) func `our certificate is well formed`() async throws {
    let directory = try TemporaryDirectory()
    let identity = try PeerIdentity.loadOrCreate(at: directory.file("key.pem"))
    let path = try directory.write("certificate.der", identity.certificate())
    let shell = try #require(Program(ofSystem: "/bin/sh"))
    let shown = try await shell.run(
      "-c",
      "openssl x509 -inform der -in \(path) -noout -subject -issuer -dates -serial -ext all 2>&1; openssl x509 -inform der "
        + "-in \(path) -noout -text | grep Version:")
    #expect(shown.output.contains("subject=CN = \(identity.id.hex)"), "\(shown)")
    #expect(shown.output.contains("issuer=CN = \(identity.id.hex)"))
    #expect(shown.output.contains("notAfter=Dec 31 23:59:59 9999 GMT"))
    #expect(shown.output.contains("Version: 3"))
    let verified = try await shell.run(
      "-c",
      "openssl x509 -inform der -in \(path) -out \(path).pem && openssl verify -check_ss_sig -CAfile \(path).pem \(path).pem"
    )
    #expect(verified.status == 0, "\(verified.errors)")
    let key = try await shell.run(
      "-c",
      "openssl x509 -inform der -in \(path) -noout -pubkey | openssl pkey -pubin -outform der | sha256sum | cut -c1-64")
    #expect(key.lines == [identity.id.hex])
  }
}
