// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Foundation
import Glibc
import Testing

/// Files that are never shared, recognised by what is in them.
@Suite struct PrivateContentTests {
  private static let journal: [UInt8] =
    [0x37, 0x7F, 0x06, 0x82, 0x00, 0x2D, 0xE2, 0x18] + Array(repeating: 0, count: 24)

  private static func database(application: [UInt8]) -> [UInt8] {
    Array("SQLite format 3\0".utf8) + Array(repeating: 1, count: 52) + application + Array(repeating: 0, count: 28)
  }

  @Test(arguments: [
    "-----BEGIN PRIVATE KEY-----\nMIGH\n", "-----BEGIN EC PRIVATE KEY-----\n", "-----BEGIN RSA PRIVATE KEY-----\r\nMII",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "\u{FEFF}\n  -----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n-----BEGIN EC PRIVATE KEY-----\nMHc\n",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n",
  ])
  func `private key is recognised`(text: String) {
    #expect(PrivateContent(Array(text.utf8)) == .key)
  }

  @Test func `catalogue and journal are recognised`() {
    #expect(PrivateContent(Self.database(application: Array("p2pc".utf8))) == .catalogue)
    #expect(PrivateContent(Self.database(application: Array("p2pn".utf8))) == .members)
    #expect(PrivateContent(Self.journal) == .journal)
    #expect(PrivateContent(Self.journal.prefix(3) + [0x83] + Self.journal.dropFirst(4)) == .journal)
  }

  @Test(arguments: [
    "", "-----BEGIN", "-----BEGIN PUBLIC KEY-----\nMFkw\n", "-----BEGIN CERTIFICATE-----\nMIIB\n",
    "A text about -----BEGIN PRIVATE KEY-----\n", "   A private key:\n\n-----BEGIN PRIVATE KEY-----\n",
    "SQLite format 3",
  ])
  func `other texts are not`(text: String) {
    #expect(PrivateContent(Array(text.utf8)) == nil)
  }

  @Test func `other databases are not`() {
    for application: [UInt8] in [[0, 0, 0, 0], Array("c2p2".utf8)] {
      #expect(PrivateContent(Self.database(application: application)) == nil)
    }
    #expect(PrivateContent(Array(Self.journal.prefix(8))) == nil)
    #expect(PrivateContent(Self.journal.prefix(3) + [0x84] + Self.journal.dropFirst(4)) == nil)
  }

  /// Also while the catalogue is in use, when most of it is in the journal.
  @Test func `copy or hard link of a catalogue is never hashed`() throws {
    let workspace = try Workspace()
    let catalogue = try workspace.catalogue()
    let hasher = FileHasher(layers: catalogue.layers)
    try catalogue.set("index", to: "192.0.2.1:7734")
    let path = catalogue.path
    for suffix in ["", "-wal"] {
      let copy = workspace.path + "/copy\(suffix)"
      try FileManager.default.copyItem(atPath: path + suffix, toPath: copy)
      #expect(code { try hasher.hash(copy) } == .isPrivate)
    }
    #expect(link(path, workspace.path + "/hard") == 0)
    #expect(code { try hasher.hash(workspace.path + "/hard") } == .isPrivate)
    catalogue.close()
    #expect(code { try hasher.hash(workspace.path + "/hard") } == .isPrivate)
  }
}
