// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import TestSupport

/// A change of a file that the daemon shares. Each is a single system call, so the file always has one of the announced
/// contents.
enum FileChange: CaseIterable {
  case replace
  case rewrite
  case overwrite
  case append
  case truncate
  case touch

  /// - Parameter willBe: called with every content before the file has it.
  /// - Returns: the content now; `nil` if the file is missing or could not be changed.
  func apply(
    to slot: Documents.Slot, of documents: Documents, _ random: inout SeededGenerator, willBe: (Content) -> Void
  ) -> Content? {
    guard var bytes = Documents.read(slot.path) else { return nil }
    do {
      switch self {
      case .replace:
        bytes = documents.fresh(slot, &random)
        let content = Self.announce(bytes, willBe)
        try documents.replace(slot, with: bytes)
        return content
      case .rewrite:
        bytes = Array(documents.fresh(slot, &random).prefix(65_536))
        willBe(.empty)
        let content = Self.announce(bytes, willBe)
        try Documents.write(bytes, to: slot.path, flags: O_TRUNC)
        return content
      case .overwrite:
        guard !bytes.isEmpty else { return MerkleRoot.content(of: bytes) }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] ^= UInt8.random(in: 1 ... .max, using: &random)
        let content = Self.announce(bytes, willBe)
        try Documents.write([bytes[place]], to: slot.path, flags: 0, at: place)
        return content
      case .append:
        bytes.append(UInt8.random(in: .min ... .max, using: &random))
        let content = Self.announce(bytes, willBe)
        try Documents.write([bytes[bytes.count - 1]], to: slot.path, flags: 0, at: bytes.count - 1)
        return content
      case .truncate:
        bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
        let content = Self.announce(bytes, willBe)
        return Glibc.truncate(slot.path, off_t(bytes.count)) == 0 ? content : nil
      case .touch:
        return utimes(slot.path, nil) == 0 ? MerkleRoot.content(of: bytes) : nil
      }
    } catch {
      return nil
    }
  }

  private static func announce(_ bytes: [UInt8], _ willBe: (Content) -> Void) -> Content? {
    let content = MerkleRoot.content(of: bytes)
    if let content { willBe(content) }
    return content
  }
}
