// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file that is never shared wherever it lies, recognised by its first bytes: a copy or a hard link of a key or a
/// catalogue is as secret as the original, and may belong to another installation.
package enum PrivateContent: Equatable, Sendable {
  /// A private key in PEM (RFC 7468), of any program.
  case key
  /// The catalogue of a peer.
  case catalogue
  /// The members of a closed network, in the database of its index.
  case members
  /// The journal of an SQLite database. It cannot be told whose; without its database it is of no use to others.
  case journal

  /// Bytes to read. Public parts may come before the key: parameters, certificates.
  package static let prefixLength = 4096
  /// `application_id` in the header of a catalogue: "p2pc".
  package static let applicationID: Int32 = 0x7032_7063
  /// The same of an index: "p2pn".
  package static let membersID: Int32 = 0x7032_706E

  /// - Parameter start: the first bytes of a file, up to `prefixLength`.
  package init?(_ start: some Collection<UInt8>) {
    let start = Array(start.prefix(Self.prefixLength))
    if Self.isKey(start) {
      self = .key
    } else if Self.isDatabase(start, Self.applicationID) {
      self = .catalogue
    } else if Self.isDatabase(start, Self.membersID) {
      self = .members
    } else if Self.isJournal(start) {
      self = .journal
    } else {
      return nil
    }
  }

  /// Reads the beginning of an open file. A file that cannot be read is not recognised: it cannot be hashed either.
  package init?(_ file: OpenFile) {
    var start = [UInt8](repeating: 0, count: Self.prefixLength)
    let count = try? start.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
    self.init(start.prefix(count ?? 0))
  }

  /// Shown after the path.
  package var reason: String {
    switch self {
    case .key: "is a private key, which is never shared"
    case .catalogue: "is the catalogue of a peer, which is never shared"
    case .members: "is the database of an index, which is never shared"
    case .journal: "is the journal of a database, which is never shared"
    }
  }

  // MARK: Formats

  /// Whether the file begins with a PEM block, and one of the first blocks is a private key.
  private static func isKey(_ start: [UInt8]) -> Bool {
    var text = start[...]
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
    text = text.drop { isSpace($0) }
    let begin = Array("-----BEGIN ".utf8)
    guard text.starts(with: begin) else { return false }
    // Labels: PRIVATE KEY, EC PRIVATE KEY, OPENSSH PRIVATE KEY, ENCRYPTED PRIVATE KEY, PGP PRIVATE KEY BLOCK.
    let key = Array("PRIVATE KEY".utf8)
    return text.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).contains { line in
      guard line.starts(with: begin) else { return false }
      let label = line.dropFirst(begin.count)
      return label.indices.contains { label[$0...].starts(with: key) }
    }
  }

  /// Section 1.3 of the SQLite file format: a magic string, and at 68 the application id.
  private static func isDatabase(_ start: [UInt8], _ id: Int32) -> Bool {
    start.count >= 100 && start.starts(with: Array("SQLite format 3\0".utf8))
      && start[68..<72].elementsEqual(withUnsafeBytes(of: id.bigEndian) { Array($0) })
  }

  /// Section 4.1: the magic number of a write-ahead log in both byte orders, and its version.
  private static func isJournal(_ start: [UInt8]) -> Bool {
    start.count >= 32 && start[0..<3].elementsEqual([0x37, 0x7F, 0x06]) && (0x82...0x83).contains(start[3])
      && start[4..<8].elementsEqual([0x00, 0x2D, 0xE2, 0x18])
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
