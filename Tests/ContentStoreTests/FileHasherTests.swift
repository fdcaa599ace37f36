// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct FileHasherTests {
  private let workspace: Workspace
  private let catalogue: Catalogue
  private var hasher: FileHasher { FileHasher(layers: catalogue.layers, workers: 3) }

  init() throws {
    workspace = try Workspace()
    catalogue = try workspace.catalogue()
  }

  /// 80 MB: several ranges, shared by several workers, beside small files.
  @Test func `large file hashed by several workers has the same leaves`() throws {
    var random = SeededGenerator(seed: 1)
    let block = random.bytes(1_000_003)
    var bytes = [UInt8]()
    for _ in 0..<80 { bytes += block }
    let large = try workspace.file("large", bytes)
    let small = try (0..<20).map { try workspace.file("small\($0)", random.bytes($0 * 3000)) }
    let results = Mutex<[Int: HashedFile]>([:])
    let progress = Mutex<[Int: Int64]>([:])
    hasher.hash(
      small + [large] + small,
      progress: { step in progress.withLock { $0[step.file] = max($0[step.file] ?? 0, step.done) } },
      completed: { index, result in results.withLock { $0[index] = try? result.get() } })
    let found = results.withLock { $0 }
    #expect(found.count == 41)
    for index in 0..<20 { #expect(found[index]?.content == found[index + 21]?.content) }
    #expect(progress.withLock { $0[20] } == Int64(80 * 1_000_003))
    #expect(progress.withLock { $0[0] } == nil, "an empty file makes no progress")

    var leaves = [UInt8]()
    bytes.withUnsafeBytes { MerkleTree.appendLeaves(of: $0, to: &leaves) }
    #expect(found[20]?.content == MerkleTree.content(leaves: leaves, size: 80 * 1_000_003))
    let file = try #require(found[20])
    try catalogue.remember([file])
    let range = try #require(HashRange.leaves(around: 4000, of: file.content))
    let hashes = try #require(try catalogue.tree(of: file.content)).hashes(range)
    let start = Int(range.index) * 32
    #expect(hashes.prefix(range.length * 32).elementsEqual(leaves[start..<start + range.length * 32]))
    #expect(range.verify(hashes, against: file.content))
  }

  @Test func `failure of one file does not affect others`() throws {
    let good = try workspace.file("good", pattern(10))
    let pipe = workspace.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    let looped = workspace.path + "/loop"
    try FileManager.default.createSymbolicLink(atPath: looped, withDestinationPath: looped)
    let codes = Mutex<[Int: StoreError.Code?]>([:])
    hasher.hash([workspace.path, pipe, workspace.path + "/none", good, looped, good + "/below", "/dev/null"]) {
      index, result in
      codes.withLock { $0[index] = .some(StoreErrorCode.of(result)) }
    }
    #expect(
      codes.withLock { $0 } == [
        0: .notAFile, 1: .notAFile, 2: .vanished, 3: nil, 4: .notAFile, 5: .vanished, 6: .notAFile,
      ])
    let error = try #require(throws: StoreError.self) { try hasher.hash(workspace.path + "/none") }
    #expect(error.description == "\(workspace.path)/none: No such file or directory")
  }

  @Test(.enabled(if: geteuid() != 0, "root reads everything")) func `unreadable file is reported`() throws {
    let path = try workspace.file("secret", pattern(10))
    #expect(chmod(path, 0) == 0)
    #expect(code { try hasher.hash(path) } == .unreadable)
  }

  /// Also one in the middle of the path.
  @Test func `link is never followed`() throws {
    let path = try workspace.file("real", pattern(20_000))
    let link = workspace.path + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    #expect(code { try hasher.hash(link) } == .notAFile)
    let parent = workspace.path + "/parent"
    try FileManager.default.createSymbolicLink(atPath: parent, withDestinationPath: workspace.path)
    #expect(code { try hasher.hash(parent + "/real") } == .notAFile)
  }

  @Test(arguments: [-5000, 0, 5000]) func `file that changes while it is hashed fails`(_ growth: Int) throws {
    let path = try workspace.file("file", pattern(1_000_000))
    let isFirst = Atomic(true)
    let result = code {
      try FileHasher(layers: catalogue.layers, workers: 1).hash(
        path,
        progress: { _ in
          guard isFirst.exchange(false, ordering: .relaxed) else { return }
          guard let handle = FileHandle(forWritingAtPath: path) else { return }
          if growth == 0 { try? handle.write(contentsOf: [1]) }
          try? handle.truncate(atOffset: UInt64(1_000_000 + growth))
          try? handle.close()
        })
    }
    #expect(result == .changed)
  }

  /// Files of /proc are regular, have size 0 and are not empty.
  @Test func `file of /proc is refused`() {
    #expect(code { try hasher.hash("/proc/\(getpid())/status") } == .changed)
  }

  @Test(arguments: [1000, 80_000_000]) func `cancellation stops in the middle of a file`(_ size: Int) throws {
    let path = workspace.path + "/file"
    try Data(count: size).write(to: URL(filePath: path))
    let calls = Atomic(0)
    #expect(
      code {
        try hasher.hash(path, isCancelled: { calls.add(1, ordering: .relaxed).newValue > size / 10_000_000 })
      } == .cancelled)
    #expect(try workspace.names(in: "state/layers").isEmpty, "no half-written layer stays")
  }

  @Test func `file written in the same clock tick is not remembered`() throws {
    let path = try workspace.file("file", pattern(10))
    let stamp = try hasher.hash(path).fingerprint.changed
    let now = Atomic(stamp)
    let ticking = FileClock(
      now: { now.load(ordering: .relaxed) }, pause: { now.add($0, ordering: .relaxed) })
    #expect(try !FileHasher(layers: catalogue.layers, clock: ticking).hash(path).isRacy)
    #expect(now.load(ordering: .relaxed) > stamp)

    let standing = FileClock(now: { stamp }, pause: { _ in })
    let racy = try FileHasher(layers: catalogue.layers, clock: standing).hash(path)
    #expect(racy.isRacy)
    try catalogue.remember([racy])
    #expect(try catalogue.content(of: racy.fingerprint) == nil)

    let setBack = FileClock(now: { stamp - 3_600_000_000_000 }, pause: { _ in })
    #expect(try FileHasher(layers: catalogue.layers, clock: setBack).hash(path).isRacy)
    let extreme = FileClock(now: { .max }, pause: { _ in })
    #expect(try !FileHasher(layers: catalogue.layers, clock: extreme).hash(path).isRacy)
  }

  @Test(
    arguments: [
      (0, 0), (999_999_999, 0), (1_000_000_000, 1), (-1, -1), (-1_000_000_000, -1), (.min, -9_223_372_037),
    ] as [(Int64, Int64)])
  func `write time is rounded down to seconds`(nanoseconds: Int64, seconds: Int64) {
    let fingerprint = FileFingerprint(device: 1, inode: 1, size: 1, modified: nanoseconds, changed: 0)
    #expect(fingerprint.modifiedSeconds == seconds)
  }

  @Test func `empty list of files needs no work`() {
    hasher.hash([]) { _, _ in Issue.record("nothing to complete") }
  }
}

private enum StoreErrorCode {
  static func of(_ result: Result<HashedFile, StoreError>) -> StoreError.Code? {
    if case .failure(let error) = result { error.code } else { nil }
  }
}
