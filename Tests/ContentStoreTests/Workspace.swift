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

/// Repeatable randomness (SplitMix64).
struct Dice: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    var words = (0..<(count + 7) / 8).map { _ in next() }
    return words.withUnsafeMutableBytes { Array($0.prefix(count)) }
  }
}

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
