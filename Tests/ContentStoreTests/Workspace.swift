// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation

/// A directory of its own for one test, gone with it.
final class Workspace: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  var state: String { path + "/state" }

  func catalogue() throws -> Catalogue { try Catalogue(directory: state) }

  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = "\(path)/\(name)"
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  func names(in directory: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(directory)").sorted()
  }
}

/// The first bytes of a fixed sequence, `31 * i + i / 256` each; the fixed roots of the tests are those of its
/// beginnings. It repeats after 64 KiB.
func pattern(_ count: Int) -> [UInt8] {
  var bytes = [UInt8]()
  bytes.reserveCapacity(count)
  while bytes.count < count { bytes.append(contentsOf: patternPeriod.prefix(count - bytes.count)) }
  return bytes
}

private let patternPeriod = (0..<65_536).map { UInt8(truncatingIfNeeded: $0 * 31 + $0 >> 8) }

func code(_ body: () throws -> some Any) -> StoreError.Code? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? StoreError)?.code
  }
}

func key(_ text: String) -> DocumentKey {
  (try? DocumentKey(text)) ?? DocumentKey(rfc: 0)
}

func share(_ file: HashedFile, as name: String, origin: Share.Origin = .added) -> Share {
  Share(
    document: Document(
      key: key(name), title: Title(normalizing: name), content: file.content, modified: Timestamp(seconds: 1)),
    path: file.path, origin: origin, fingerprint: file.fingerprint)
}
