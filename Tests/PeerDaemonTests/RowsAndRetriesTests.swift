// SPDX-License-Identifier: Apache-2.0

import PeerDaemon
import Testing

@Suite struct PagesTests {
  @Test func `pages are followed to the end`() {
    var pages = Pages(limit: nil)
    #expect(pages.nextLength(10) == 10)
    #expect(pages.take([1, 2, 3], next: "a") == [1, 2, 3])
    #expect(pages.cursor == "a")
    #expect(pages.nextLength(10) == 10)
    #expect(pages.take([4], next: nil) == [4])
    #expect(pages.nextLength(10) == nil)
    #expect(pages.count == 4)
  }

  @Test func `pages stop at the limit`() {
    var pages = Pages(limit: 5)
    #expect(pages.nextLength(3) == 3)
    _ = pages.take([1, 2, 3], next: "a")
    #expect(pages.nextLength(3) == 2)
    #expect(pages.take([4, 5, 6], next: "b") == [4, 5])
    #expect(pages.nextLength(3) == nil)
  }

  @Test func `number of empty pages is limited`() {
    var pages = Pages(limit: nil)
    var count = 0
    while pages.nextLength(3) != nil, count <= Pages.maxEmptyPages {
      count += 1
      _ = pages.take([Int](), next: "\(count)")
    }
    #expect(count == Pages.maxEmptyPages)
  }

  /// The same page again and again, each time with another cursor.
  @Test(arguments: [[5], [5, 4], [1]]) func `pages that lead no further end the listing`(rows: [UInt8]) {
    var pages = Pages(limit: nil)
    _ = pages.take([5] as [UInt8], next: "a") { [$0] }
    var count = 0
    while pages.nextLength(3) != nil, count < 10_000 {
      count += 1
      _ = pages.take(rows, next: "\(count)") { [$0] }
    }
    #expect(count == Pages.maxFruitless)
  }

  @Test func `page that leads further begins a new count`() {
    var pages = Pages(limit: nil)
    for number in 1...3 as ClosedRange<UInt8> {
      for page in 0..<Pages.maxFruitless { _ = pages.take([number], next: "\(number) \(page)") { [$0] } }
      #expect(pages.nextLength(3) == 3)
    }
  }

  @Test func `repeated cursor ends the listing`() {
    var pages = Pages(limit: nil)
    _ = pages.take([Int](), next: "a")
    #expect(pages.nextLength(3) == 3)
    _ = pages.take([Int](), next: "a")
    #expect(pages.nextLength(3) == nil)
  }
}

@Suite struct RepairAllowanceTests {
  @Test func `repairs are limited per file`() {
    var repairs = RepairAllowance()
    let taken = (0...RepairAllowance.maxRepairs).map { _ in repairs.take("/x") }
    #expect(taken == Array(repeating: true, count: RepairAllowance.maxRepairs) + [false])
    let other = repairs.take("/y")
    #expect(other)
  }
}

@Suite struct RetryScheduleTests {
  @Test func `retries double to a limit and end`() {
    var schedule = RetrySchedule()
    var waits = [Duration]()
    while let wait = schedule.next("/x") { waits.append(wait) }
    #expect(waits.count == RetrySchedule.maxTries)
    #expect(waits.prefix(4) == [.seconds(1), .seconds(2), .seconds(4), .seconds(8)])
    #expect(waits.allSatisfy { $0 <= RetrySchedule.longest })
    #expect(schedule.next("/x") == .seconds(1))
  }

  @Test func `retries are counted per file`() {
    var schedule = RetrySchedule()
    _ = schedule.next("/x")
    #expect(schedule.next("/y") == .seconds(1))
    schedule.forget("/x")
    #expect(schedule.next("/x") == .seconds(1))
  }
}

@Suite struct ChangedFilesTests {
  @Test func `queued path is returned once`() async {
    let changed = ChangedFiles()
    for path in ["/b", "/a", "/b"] { changed.notice(path) }
    #expect(await changed.next() == ["/b", "/a"])
    changed.notice("/b")
    #expect(await changed.next() == ["/b"])
  }

  @Test func `waiting reader is woken`() async {
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
