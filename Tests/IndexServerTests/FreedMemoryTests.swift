// SPDX-License-Identifier: Apache-2.0

import IndexServer
import NIOCore
import TestSupport
import Testing

@Suite struct FreedMemoryTests {
  private var freed = FreedMemory()
  private let quick = TimeAmount.milliseconds(1)
  private let slow = TimeAmount.milliseconds(40)

  /// Frees a mebibyte at a time.
  /// - Returns: what was in use each time that memory was given back, in MiB.
  private mutating func free(from start: Int, to end: Int, in time: TimeAmount) -> [Int] {
    freed.willFree(from: start << 20)
    var times = [Int]()
    for mebibytes in (end..<start).reversed() where freed.shouldGiveBack(mebibytes << 20) {
      times.append(mebibytes)
      freed.gaveBack(in: time, mebibytes << 20)
    }
    return times
  }

  @Test mutating func `memory is given back a part at a time`() {
    let times = free(from: 1000, to: 0, in: quick)
    #expect(times == Array(stride(from: 984, through: 0, by: -16)))
  }

  @Test mutating func `little is not worth it`() {
    let times = free(from: 1000, to: 985, in: quick)
    #expect(times.isEmpty)
  }

  @Test mutating func `after a slow time it waits until little is left`() {
    var times = free(from: 1000, to: 200, in: slow)
    #expect(times == [984])
    times = free(from: 200, to: 100, in: slow)
    #expect(times == [125, 109])
    times = free(from: 100, to: 0, in: quick)
    #expect(times == [15])
    times = free(from: 400, to: 300, in: quick)
    #expect(times.first == 384)
  }

  @Test mutating func `only one at a time`() {
    freed.willFree(from: 100 << 20)
    let first = freed.shouldGiveBack(50 << 20)
    let second = freed.shouldGiveBack(10 << 20)
    #expect(first && !second)
    freed.gaveBack(in: quick, 10 << 20)
    let third = freed.shouldGiveBack(10 << 20)
    #expect(third)
  }
}
