// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import PeerDaemon
import Testing

@Suite struct FetchScheduleTests {
  private func content(_ size: Int64) throws -> Content {
    let root = try #require(Digest(hex: String(repeating: "ab", count: 32)))
    return try #require(Content(root: root, size: size))
  }

  private func steps(_ size: Int64, from start: Int64 = 0, limit: Int64 = 4 << 20) throws -> [FetchSchedule.Step] {
    var schedule = FetchSchedule(content: try content(size), from: start)
    var steps = [FetchSchedule.Step]()
    while let step = schedule.step(limit: limit) { steps.append(step) }
    #expect(schedule.isFinished)
    return steps
  }

  @Test func `single block needs no hashes`() throws {
    #expect(try steps(16_384) == [.get(offset: 0, length: 16_384)])
  }

  @Test func `hashes precede their bytes`() throws {
    let size: Int64 = 20 << 20
    let steps = try steps(size)
    var covered: Int64 = 0
    var next: Int64 = 0
    for step in steps {
      switch step {
      case .hashes(let range):
        #expect(range.index * 16_384 == next)
        covered = min(size, (range.index + Int64(range.length)) * 16_384)
      case .get(let offset, let length):
        #expect(offset == next)
        #expect(length <= 4 << 20)
        next += length
        #expect(next <= covered)
      }
    }
    #expect(next == size)
  }

  @Test func `download resumes in the middle of a stretch`() throws {
    let content = try content(20 << 20)
    let first = try steps(20 << 20, from: 9 << 20).first
    #expect(first == .hashes(try #require(HashRange.leaves(around: 576, of: content))))
    #expect(try steps(20 << 20, from: 9 << 20).dropFirst().first == .get(offset: 9 << 20, length: 4 << 20))
  }

  @Test func `source with a small limit is asked for whole blocks`() throws {
    let lengths = try steps(100_000, limit: 40_000).compactMap { step in
      if case .get(_, let length) = step { length } else { nil }
    }
    #expect(lengths == [32_768, 32_768, 32_768, 1_696])
  }

  @Test func `source with a limit below a block is asked limit by limit`() throws {
    let lengths = try steps(16_384, limit: 10_000).compactMap { step in
      if case .get(_, let length) = step { length } else { nil }
    }
    #expect(lengths == [10_000, 6384])
  }

  @Test func `empty content needs no request`() {
    var schedule = FetchSchedule(content: .empty, from: 0)
    #expect(schedule.step(limit: 1) == nil)
  }
}
