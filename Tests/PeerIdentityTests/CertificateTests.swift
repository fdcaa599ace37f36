// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import PeerIdentity
import TestSupport
import Testing

/// Certificates as an enemy makes them: none is more than an id that it then has to prove.
@Suite struct CertificateTests {
  private let directory: TemporaryDirectory
  private let identity: PeerIdentity

  init() throws {
    directory = try TemporaryDirectory()
    identity = try PeerIdentity.loadOrCreate(at: directory.file("key.pem"))
  }

  @Test func `own certificate claims the own id`() throws {
    #expect(PeerID(certificate: try identity.certificate()) == identity.id)
  }

  @Test func `damaged certificates claim another id or none`() throws {
    var random = SeededGenerator(seed: 15)
    let whole = try identity.certificate()
    var unread = 0
    for _ in 0..<5000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[place] = [0, 0x7F, 0x80, 0x84, 0xFF][Int.random(in: 0..<5, using: &random)]
        case 2: bytes.removeSubrange(place...)
        default: bytes.insert(contentsOf: bytes[..<place], at: place)
        }
        guard !bytes.isEmpty else { break }
      }
      if PeerID(certificate: bytes) == nil { unread += 1 }
    }
    #expect(unread > 500)
  }

  @Test(arguments: [0, 1, 2, 100, 1 << 20]) func `nothing but one byte again and again is no certificate`(count: Int) {
    for byte: UInt8 in [0, 0x30, 0x80, 0xFF] {
      #expect(PeerID(certificate: [UInt8](repeating: byte, count: count)) == nil)
    }
  }
}
