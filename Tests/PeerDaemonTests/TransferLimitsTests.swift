// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Logging
import NIOPosix
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// What a user may set, at which time it holds, and how it is kept.
@Suite struct TransferLimitsTests {
  private static func limits(_ changes: ChangeLimits...) -> TransferLimits {
    changes.reduce(into: TransferLimits()) { $0.apply($1) }
  }

  private static func part(_ text: String) throws -> ChangeLimits.Between { .part(try DayPart(text)) }

  @Test(arguments: [("08:00", 480, 10), ("07:59", 479, 50), ("17:59", 1079, 10), ("18:00", 1080, 50), ("00:00", 0, 50)])
  func `rate of a part of the day holds in it, the plain one at other times`(
    _ time: String, _ minute: Int, _ rate: Int64
  ) throws {
    let limits = Self.limits(
      ChangeLimits(down: 50), ChangeLimits(down: 10, between: try Self.part("08:00-18:00")))
    #expect(limits.down.inForce(at: minute) == rate, "\(time)")
    #expect(limits.up.inForce(at: minute) == nil)
  }

  @Test(arguments: [(1320, true), (1439, true), (0, true), (359, true), (360, false), (720, false), (1319, false)])
  func `part of the day may go over midnight`(_ minute: Int, _ isIn: Bool) throws {
    #expect(try DayPart("22:00-06:00").contains(minute) == isIn)
  }

  @Test func `no limit in a part of the day is a limit, too`() throws {
    let limits = Self.limits(
      ChangeLimits(up: 1_000), ChangeLimits(up: 0, between: try Self.part("22:00-06:00")))
    #expect(limits.up.inForce(at: 0) == nil && limits.up.inForce(at: 720) == 1_000)
  }

  @Test func `off ends the schedule of the given directions, or of both`() throws {
    let both = Self.limits(ChangeLimits(down: 1, up: 2, between: try Self.part("1:00-2:00")))
    var limits = both
    limits.apply(ChangeLimits(down: 5, between: .off))
    #expect(limits.down.scheduled == nil && limits.down.plain == 5 && limits.up.scheduled?.rate == 2)
    limits = both
    limits.apply(ChangeLimits(between: .off))
    #expect(!limits.hasSchedule && limits.down.plain == nil)
  }

  @Test func `change without a part of the day leaves the schedule`() throws {
    let limits = Self.limits(
      ChangeLimits(down: 1, between: try Self.part("08:00-18:00")), ChangeLimits(down: 7), ChangeLimits(slots: 3))
    #expect(limits.down.scheduled?.rate == 1 && limits.down.plain == 7 && limits.slots == 3)
  }

  @Test(
    arguments: [
      (nil, 16), (100_000_000, 16), (52_429, 16), (20_000, 6), (10_000, 3), (1, 1), (.max, 16),
    ] as [(Int64?, Int)])
  func `low rate is divided among few bodies`(_ rate: Int64?, _ slots: Int) {
    #expect(TransferLimits().slots(at: rate) == slots)
  }

  @Test func `settings bring back what was set`() throws {
    let limits = Self.limits(
      ChangeLimits(down: 5_000, up: 1, downloads: 9, slots: 2),
      ChangeLimits(down: 0, up: 70, between: try Self.part("23:30-00:15")))
    #expect(TransferLimits(settings: limits.settings) == limits)
    #expect(TransferLimits(settings: TransferLimits().settings) == TransferLimits())
  }

  @Test(arguments: ["", "x", "-5", "0", "08:00-18:00", "08:00-08:00 5", "08:00-18:00 -1", "08:00-18:00 5 6"])
  func `damaged settings are ignored`(_ text: String) {
    let settings = Dictionary(uniqueKeysWithValues: TransferLimits().settings.keys.map { ($0, String?.some(text)) })
    #expect(TransferLimits(settings: settings) == TransferLimits())
  }

  // MARK: The keeper

  private final class Day: Sendable {
    private let time = Mutex(LocalTime(minute: 0))
    var now: LocalTime { time.withLock { $0 } }
    func set(_ minute: Int) { time.withLock { $0 = LocalTime(minute: minute) } }
  }

  private func withKeeper(_ body: (Catalogue, NIOThreadPool, Day) async throws -> Void) async throws {
    let directory = try TemporaryDirectory()
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    try await body(try Catalogue(directory: directory.file("state")), pool, Day())
    try await pool.shutdownGracefully()
  }

  private func keeper(_ catalogue: Catalogue, _ pool: NIOThreadPool, _ day: Day) -> LimitKeeper {
    LimitKeeper(
      catalogue: catalogue, pool: pool, logger: Logger(label: "limits"), localTime: { day.now },
      sleep: { _ in try await Task.sleep(for: .milliseconds(2)) })
  }

  @Test func `limits survive a restart`() async throws {
    try await withKeeper { catalogue, pool, day in
      let first = keeper(catalogue, pool, day)
      await first.start()
      #expect(await first.state == ControlLimitReply(downloads: 4, slots: 16))
      try await first.change(ChangeLimits(down: 5_000_000, up: 10_000, downloads: 2, slots: 8))
      #expect(first.down.rate == 5_000_000 && first.up.rate == 10_000 && first.slots.limit == 3)
      let next = keeper(catalogue, pool, day)
      await next.start()
      #expect(await next.state == ControlLimitReply(down: 5_000_000, up: 10_000, downloads: 2, slots: 8))
      #expect(next.down.rate == 5_000_000 && next.up.rate == 10_000)
      try await next.change(ChangeLimits(down: 0, up: 0))
      #expect(next.down.rate == nil && next.up.rate == nil && next.slots.limit == 8)
    }
  }

  @Test func `schedule follows the clock, also when it is set back`() async throws {
    try await withKeeper { catalogue, pool, day in
      let keeper = keeper(catalogue, pool, day)
      await keeper.start()
      try await keeper.change(ChangeLimits(down: 10, between: try Self.part("08:00-18:00")))
      #expect(keeper.down.rate == nil)
      for (minute, rate) in [(480, 10), (1080, nil), (600, 10), (0, nil)] as [(Int, Int64?)] {
        day.set(minute)
        #expect(await eventually { keeper.down.rate == rate })
      }
      let schedule = await keeper.state.schedule
      #expect(schedule.map(\.active) == [false] && schedule.map(\.rate) == [10])
      await keeper.stop()
    }
  }

  @Test func `changes at the same time do not undo each other`() async throws {
    try await withKeeper { catalogue, pool, day in
      let first = keeper(catalogue, pool, day)
      await first.start()
      async let down: Void = first.change(ChangeLimits(down: 7))
      async let up: Void = first.change(ChangeLimits(up: 8))
      async let slots: Void = first.change(ChangeLimits(slots: 9))
      _ = try await (down, up, slots)
      let next = keeper(catalogue, pool, day)
      await next.start()
      let kept = await next.limits
      #expect(kept.down.plain == 7 && kept.up.plain == 8 && kept.slots == 9)
      #expect(await first.limits == kept)
    }
  }

  @Test func `local time is a time of day`() {
    let now = LocalTime.now()
    #expect((0..<1440).contains(now.minute) && (0..<60).contains(now.second))
  }
}
