// SPDX-License-Identifier: Apache-2.0

import Crypto
import Glibc

/// A Metalink (RFC 5854) with a SHA-256 per piece, for aria2.
enum Metalink {
  /// Writes it beside the file, with the suffix `.meta4`.
  static func write(for file: String, at address: String, pieceSize: Int) throws {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw BenchFailure.system(file) }
    defer { close(descriptor) }
    var (size, hashes) = (0, "")
    var piece = [UInt8](repeating: 0, count: pieceSize)
    while true {
      let count = piece.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(size)) }
      guard count >= 0 else { throw BenchFailure.system(file) }
      guard count > 0 else { break }
      hashes += "<hash>\(hexadecimal(SHA256.hash(data: piece[..<count])))</hash>"
      size += count
    }
    let name = file.split(separator: "/").last ?? ""
    try TextFile.write(
      """
      <?xml version="1.0" encoding="UTF-8"?>
      <metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="\(name)"><size>\(size)</size>
      <pieces length="\(pieceSize)" type="sha-256">\(hashes)</pieces>
      <url>\(address)</url></file></metalink>
      """, to: file + ".meta4")
  }

  private static func hexadecimal(_ digest: SHA256.Digest) -> String {
    digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
