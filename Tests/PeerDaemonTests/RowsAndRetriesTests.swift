// SPDX-License-Identifier: Apache-2.0

import PeerDaemon
import Testing

@Suite struct RowsTests {
  @Test func goesToTheEnd() {
    var rows = Rows(limit: nil)
    #expect(rows.nextPage(10) == 10)
    #expect(rows.take([1, 2, 3], next: "a") == [1, 2, 3])
    #expect(rows.cursor == "a")
    #expect(rows.nextPage(10) == 10)
    #expect(rows.take([4], next: nil) == [4])
    #expect(rows.nextPage(10) == nil)
    #expect(rows.count == 4)
  }

  @Test func stopsAtTheLimit() {
    var rows = Rows(limit: 5)
    #expect(rows.nextPage(3) == 3)
    _ = rows.take([1, 2, 3], next: "a")
    #expect(rows.nextPage(3) == 2)
    #expect(rows.take([4, 5, 6], next: "b") == [4, 5])
    #expect(rows.nextPage(3) == nil)
  }

  @Test func doesNotLookForEverForARow() {
    var rows = Rows(limit: nil)
    var pages = 0
    while rows.nextPage(3) != nil, pages <= Rows.maxEmptyPages {
      pages += 1
      _ = rows.take([Int](), next: "\(pages)")
    }
    #expect(pages == Rows.maxEmptyPages)
  }

  @Test func doesNotGoInACircle() {
    var rows = Rows(limit: nil)
    _ = rows.take([Int](), next: "a")
    #expect(rows.nextPage(3) == 3)
    _ = rows.take([Int](), next: "a")
    #expect(rows.nextPage(3) == nil)
  }
}

@Suite struct RepairAllowanceTests {
  @Test func endsForEachFileByItself() {
    var repairs = RepairAllowance()
    let taken = (0...RepairAllowance.maxRepairs).map { _ in repairs.take("/x") }
    #expect(taken == Array(repeating: true, count: RepairAllowance.maxRepairs) + [false])
    let other = repairs.take("/y")
    #expect(other)
  }
}

@Suite struct RetryScheduleTests {
  @Test func doublesToALimitAndEnds() {
    var schedule = RetrySchedule()
    var waits = [Duration]()
    while let wait = schedule.next("/x") { waits.append(wait) }
    #expect(waits.count == RetrySchedule.maxTries)
    #expect(waits.prefix(4) == [.seconds(1), .seconds(2), .seconds(4), .seconds(8)])
    #expect(waits.allSatisfy { $0 <= RetrySchedule.longest })
    #expect(schedule.next("/x") == .seconds(1))
  }

  @Test func countsEachFileByItself() {
    var schedule = RetrySchedule()
    _ = schedule.next("/x")
    #expect(schedule.next("/y") == .seconds(1))
    schedule.forget("/x")
    #expect(schedule.next("/x") == .seconds(1))
  }
}

@Suite struct ChangedFilesTests {
  @Test func handsOutEachPathOnce() async {
    let changed = ChangedFiles()
    for path in ["/b", "/a", "/b"] { changed.notice(path) }
    #expect(await changed.next() == ["/b", "/a"])
    changed.notice("/b")
    #expect(await changed.next() == ["/b"])
  }

  @Test func wakesItsReader() async {
    let changed = ChangedFiles()
    async let next = changed.next()
    changed.notice("/x")
    #expect(await next == ["/x"])
    async let end = changed.next()
    changed.end()
    #expect(await end == nil)
    changed.notice("/y")
    #expect(await changed.next() == nil)
  }
}
