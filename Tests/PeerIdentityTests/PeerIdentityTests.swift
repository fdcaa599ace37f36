// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import PeerIdentity
import Testing

@Suite struct PeerIdentityTests {
  private let directory: URL
  private var path: String { directory.appending(path: "key.pem").path }

  init() throws {
    directory = FileManager.default.temporaryDirectory.appending(path: "identity-\(UUID().uuidString)")
    // Keys are refused in a directory that the group can write, as it could with some values of umask(2).
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  @Test func `key is created once and kept`() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let first = try PeerIdentity.loadOrCreate(at: path)
    let second = try PeerIdentity.loadOrCreate(at: path)
    #expect(first.id == second.id)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["key.pem"])
    #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
  }

  /// The key and the id come from `openssl genpkey` and `openssl pkey -pubout -outform DER | sha256sum`.
  @Test func `id is the hash of the SubjectPublicKeyInfo`() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    try write(Self.opensslKey)
    #expect(try PeerIdentity.loadOrCreate(at: path).id.hex == Self.opensslID)
  }

  @Test func `concurrent starts agree on one key`() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = path
    nonisolated(unsafe) var ids = [PeerID?](repeating: nil, count: 8)
    ids.withUnsafeMutableBufferPointer { ids in
      nonisolated(unsafe) let ids = ids
      DispatchQueue.concurrentPerform(iterations: 8) { ids[$0] = try? PeerIdentity.loadOrCreate(at: path).id }
    }
    #expect(Set(ids).count == 1)
    #expect(ids.first != .some(nil))
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["key.pem"])
  }

  @Test(arguments: ["", "no key at all", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ed25519Key])
  func `file without a P-256 key is refused and kept`(_ text: String) throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    try write(text)
    #expect(code { try PeerIdentity.loadOrCreate(at: path) } == .notAKey)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
  }

  @Test(arguments: [0o640, 0o604, 0o644, 0o620])
  func `key that others can read is refused with the cure`(_ mode: Int) throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    try write(Self.opensslKey, mode: mode)
    let error = try #require(throws: IdentityError.self) { try PeerIdentity.loadOrCreate(at: path) }
    #expect(error.code == .exposed)
    #expect(error.description.contains("chmod 600 '\(path)'"))
  }

  @Test func `link, directory or FIFO is refused`() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let real = directory.appending(path: "real.pem").path
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: real)
    #expect(code { try PeerIdentity.loadOrCreate(at: path) } == .notAFile)
    try Self.opensslKey.write(toFile: real, atomically: false, encoding: .utf8)
    #expect(code { try PeerIdentity.loadOrCreate(at: path) } == .notAFile)
    let inner = directory.appending(path: "inner").path
    #expect(mkdir(inner, 0o700) == 0)
    #expect(code { try PeerIdentity.loadOrCreate(at: inner) } == .notAFile)
    let pipe = directory.appending(path: "pipe").path
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(code { try PeerIdentity.loadOrCreate(at: pipe) } == .notAFile)
  }

  @Test(.enabled(if: geteuid() == 0, "needs to give a file away")) func `key of another user is refused`() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    try write(Self.opensslKey)
    #expect(chown(path, 65_534, 65_534) == 0)
    #expect(code { try PeerIdentity.loadOrCreate(at: path) } == .foreign)
  }

  @Test func `directory that others can write is refused`() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    try write(Self.opensslKey)
    for mode in [0o777, 0o775, 0o722, 0o1777] as [mode_t] {
      #expect(chmod(directory.path, mode) == 0)
      let error = try #require(throws: IdentityError.self) { try PeerIdentity.loadOrCreate(at: path) }
      #expect(error.code == .exposed && error.description.contains("chmod go-w '\(directory.path)'"))
    }
    #expect(chmod(directory.path, 0o755) == 0)
    #expect(code { try PeerIdentity.loadOrCreate(at: path) } == nil)
    unlink(path)
    #expect(chmod(directory.path, 0o777) == 0)
    #expect(code { try PeerIdentity.loadOrCreate(at: path) } == .exposed, "none is made there")
    #expect(access(path, F_OK) != 0)
  }

  @Test(.enabled(if: geteuid() == 0, "needs to give a directory away"))
  func `directory of another user is refused`() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    try write(Self.opensslKey)
    #expect(chown(directory.path, 65_534, 65_534) == 0)
    #expect(code { try PeerIdentity.loadOrCreate(at: path) } == .foreign)
  }

  @Test func `missing directory is reported`() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let error = try #require(throws: IdentityError.self) {
      try PeerIdentity.loadOrCreate(at: directory.path + "/none/key.pem")
    }
    #expect(error.code == .cannotCreate)
    #expect(error.description.contains("No such file or directory"))
  }

  private func code(_ body: () throws -> some Any) -> IdentityError.Code? {
    do {
      _ = try body()
      return nil
    } catch {
      return (error as? IdentityError)?.code
    }
  }

  private func write(_ text: String, mode: Int = 0o600) throws {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  private static let opensslID = "793424d5f009ee614c0f7c7cde5eb91526296a5efe6ae2459675acff9db31c2e"
  private static let opensslKey = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgi1mCVC1QeZR0ge7z
    LI+pPcwywHp+irffVbgb6X8k0KahRANCAAQ0EHwR1duQMeijWrszDSCDcGZsOaXl
    QtvdojXWaPT5p+LNub3TiwdJK1AYQKFfMmfFw7dO4OdiscBiBCRS8MLu
    -----END PRIVATE KEY-----

    """
  private static let ed25519Key = """
    -----BEGIN PRIVATE KEY-----
    MC4CAQAwBQYDK2VwBCIEIPYh2dPQ51W8H8fBp0VLY0zVJ6MmGkXSuFE82o0qkd+m
    -----END PRIVATE KEY-----

    """
}
