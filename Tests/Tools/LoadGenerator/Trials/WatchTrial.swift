// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import Synchronization
import TestSupport

/// 10,000 watches (by content, key, prefix and words) of 1,000 connections, and 10,000 changes a second of which each
/// matches two of them: the time from a change to its events. Then the cost of a change that matches none.
final class WatchTrial {
  private static let connections = 1000
  private static let watchesOfConnection = 10
  private static let watches = connections * watchesOfConnection
  /// Half of them match a watch by content and one by key, the others one by prefix and one by words.
  private static let documents = watches / 2
  private static let batch = 100
  private static let interval = Duration.milliseconds(10)
  /// Each adds all documents, or removes them.
  private static let passes = 8

  private let index: HostileIndex
  private let round: Int
  private let report: (String) -> Void

  init(index: HostileIndex, round: Int, report: @escaping (String) -> Void) {
    self.index = index
    self.round = round
    self.report = report
  }

  func run() throws -> [Sample] {
    let before = try index.memory().now
    report("memory before the watches: \(ResultTable.number(before)) MiB")
    return try measureTimes() + [sample(.watchCost, Figure.own, measureCost())]
  }

  private func sample(_ figure: Figure.ID, _ contender: String, _ value: Double) -> Sample {
    Sample(figure, contender, round: round, value: value)
  }

  // MARK: Times

  /// When each document was changed, and how long the events took.
  private struct Times {
    var changes = [[ContinuousClock.Instant]](repeating: [], count: documents)
    var events = [Int](repeating: 0, count: watches)
    var milliseconds: [Double] = []
  }

  private func measureTimes() throws -> [Sample] {
    let times = Mutex(Times())
    let filters = (0..<Self.connections).map { connection in
      (0..<Self.watchesOfConnection).map { Self.filter(connection * Self.watchesOfConnection + $0) }
    }
    let watchers = try Watchers(index.endpoint, filters) { watch, now in
      times.withLock { times in
        let document = Self.document(of: watch)
        let number = times.events[watch]
        times.events[watch] += 1
        guard number < times.changes[document].count else { return }
        times.milliseconds.append((now - times.changes[document][number]).inMilliseconds)
      }
    }
    let seconds = try change(times)
    let expected = 2 * Self.documents * Self.passes
    report(
      "\(ResultTable.number(Double(expected / 2) / seconds)) changes a second; "
        + "memory with \(Self.watches) watches: \(ResultTable.number(try index.memory().now)) MiB")
    let isComplete = eventuallyOnThread(within: .seconds(5)) { times.withLock { $0.milliseconds.count } == expected }
    let most = try index.memory().most
    let session = try index.session(5, port: nil)
    let freshness = try index.milliseconds("freshness", by: session)
    try watchers.stop()
    sleep(1)
    let measured = times.withLock { $0.milliseconds }
    guard isComplete, let statistics = Statistics(measured) else {
      throw BenchFailure("\(measured.count) events arrived instead of \(expected)")
    }
    return [
      sample(.watch, Figure.own, statistics.percentile(99)), sample(.watch, Figure.median, statistics.median),
      sample(.watch, Figure.longest, statistics.most), sample(.watch, Figure.freshness, freshness.p99),
      sample(.watch, Figure.longestFreshness, freshness.max), sample(.watchMemory, Figure.own, most),
      sample(.watchMemory, Figure.afterwards, try index.memory().now),
    ]
  }

  /// - Returns: how long it took, in seconds.
  private func change(_ times: borrowing Mutex<Times>) throws -> Double {
    let batches = stride(from: 0, to: Self.documents, by: Self.batch).map { start in
      let documents = start..<start + Self.batch
      let lines = [
        HostileLines.add(documents.map { HostileLines.document(Self.key($0), Self.content($0), Self.title($0)) }),
        HostileLines.remove(documents.map { (Self.key($0), Self.content($0)) }),
      ]
      return (documents: documents, lines: lines)
    }
    let session = try index.session(6)
    let start = ContinuousClock.now
    var due = start
    for pass in 0..<Self.passes {
      for batch in batches {
        usleep(UInt32(max(0, (due - .now) / .microseconds(1))))
        due += Self.interval
        times.withLock { times in
          let now = ContinuousClock.now
          for document in batch.documents { times.changes[document].append(now) }
        }
        guard try session.ask(batch.lines[pass % 2])["status"] == 200 else {
          throw BenchFailure("the index refuses a change")
        }
      }
    }
    return (ContinuousClock.now - start).inSeconds
  }

  // MARK: What is watched and changed

  /// Watches in fours: content and key of one document, prefix and words of the next.
  private static func document(of watch: Int) -> Int { watch / 2 }

  private static func filter(_ watch: Int) -> String {
    let document = document(of: watch)
    return switch watch % 4 {
    case 0: #""content":"\#(HostileLines.root(content(document)))","size":10"#
    case 1: #""key":"\#(key(document))""#
    case 2: #""prefix":"data/p\#(document)/""#
    default: #""words":"w\#(document)x""#
    }
  }

  private static func content(_ document: Int) -> Int { 1_000_000 + document }

  private static func key(_ document: Int) -> String {
    document % 2 == 0 ? "file/k\(document)" : "data/p\(document)/f"
  }

  private static func title(_ document: Int) -> String {
    document % 2 == 0 ? "a title of some words" : "a title with w\(document)x"
  }

  // MARK: Cost

  private static let repetitions = 7
  private static let changed = 20_000

  /// How much more processor time a change takes with watches that it does not match, in percent.
  private func measureCost() throws -> Double {
    let session = try index.session(7)
    let filters = (0..<Self.connections).map { connection in
      (0..<Self.watchesOfConnection).map { Self.filter(connection * Self.watchesOfConnection + $0) }
    }
    let documents = (0..<Self.changed).map { number in
      (key: "data/other/file-\(number).txt", content: 2_000_000 + number)
    }
    let lines = stride(from: 0, to: Self.changed, by: 1000).map { start in
      let batch = documents[start..<start + 1000]
      let rows = batch.map { HostileLines.document($0.key, $0.content, "Number \($0.content) of some plain documents") }
      return (add: HostileLines.add(rows), remove: HostileLines.remove(Array(batch)))
    }
    func microseconds() throws -> Double {
      let before = try ProcessorTime.of(index.process)
      for line in lines { _ = try session.ask(line.add) }
      for line in lines { _ = try session.ask(line.remove) }
      return (try ProcessorTime.of(index.process) - before) * 1e6 / Double(2 * Self.changed)
    }
    var (without, with) = (try microseconds(), Double.infinity)
    for _ in 0..<Self.repetitions {
      without = min(without, try microseconds())
      let watchers = try Watchers(index.endpoint, filters) { _, _ in }
      with = min(with, try microseconds())
      try watchers.stop()
      usleep(300_000)
    }
    report("a change costs \(ResultTable.number(without)) us, with watches \(ResultTable.number(with)) us")
    return (with / without - 1) * 100
  }
}
