// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NIOCore
import PeerDaemon
import Testing
import WireProtocol

/// The choice of sources, in virtual time.
@Suite struct SourceSelectionTests {
  private func holder(_ number: Int, host: String? = nil) throws -> Holder {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } + [UInt8](repeating: 7, count: 24)
    let id = PeerID(digest: try #require(Digest(bytes: bytes)))
    return Holder(
      peer: id, name: try PeerName("p\(number)"), host: host ?? "10.0.\(number / 250).\(number % 250)", port: 1,
      complete: true)
  }

  private func holders(_ range: Range<Int>, host: String? = nil) throws -> [Holder] {
    try range.map { try holder($0, host: host) }
  }

  /// A network in virtual time; `behaviour` defines each holder.
  private struct Network {
    enum Behaviour {
      /// Never answers: the attempt times out.
      case silent
      case refuses
      /// Delivers everything after this time.
      case honest(TimeAmount)
      /// Answers `have`, then delivers nothing.
      case stalls
    }

    var selection: SourceSelection
    var now = NIODeadline.uptimeNanoseconds(0)
    var underWay: [SourceSelection.ID: (holder: Holder, until: NIODeadline, behaviour: Behaviour)] = [:]
    var most = 0
    var asked: [String] = []
    var sources: Set<SourceSelection.ID> = []
    let behaviour: (Holder) -> Behaviour
    /// The reply to a repeated look-up.
    var answers: () -> (holders: [Holder], total: Int)?
    var lookups = 0

    init(
      bounds: SourceSelection.Bounds = .init(), _ holders: [Holder], isSmall: Bool = true, total: Int? = nil,
      answers: @escaping () -> (holders: [Holder], total: Int)? = { nil },
      behaviour: @escaping (Holder) -> Behaviour
    ) {
      selection = SourceSelection(bounds: bounds, isSmall: isSmall, at: now)
      selection.add(holders, total: total ?? holders.count, at: now)
      self.behaviour = behaviour
      self.answers = answers
    }

    /// - Returns: whether the download completed.
    mutating func run() -> Bool {
      while true {
        while let step = selection.step(at: now) { carryOut(step) }
        guard case .until(let deadline) = selection.rest(at: now) else { return false }
        let next = underWay.min { $0.value.until < $1.value.until }
        guard let next, next.value.until <= deadline else {
          now = max(deadline, now + .nanoseconds(1))
          continue
        }
        now = max(now, next.value.until)
        if end(next.key, next.value.behaviour) { return true }
      }
    }

    private mutating func carryOut(_ step: SourceSelection.Step) {
      switch step {
      case .ask(let id, let holder, let pace):
        asked.append(holder.name.text)
        let behaviour = behaviour(holder)
        let time: TimeAmount =
          switch (behaviour, pace) {
          case (.silent, .hurried): .seconds(1)
          case (.silent, .usual): .seconds(5)
          case (.silent, .patient): .seconds(10)
          case (.honest(let time), .hurried): min(time, .seconds(1))
          case (.honest(let time), _): time
          case (.refuses, _), (.stalls, _): .milliseconds(1)
          }
        let isTooLate = if case .honest(let needed) = behaviour { needed > time } else { false }
        underWay[id] = (holder, now + time, isTooLate ? .silent : behaviour)
        most = max(most, underWay.count)
      case .replaceOne: break
      case .lookUp:
        lookups += 1
        if let (holders, total) = answers() {
          selection.add(holders, total: total, at: now)
        } else {
          selection.lookUpFailed(at: now)
        }
      }
    }

    /// - Returns: whether the download completed.
    private mutating func end(_ id: SourceSelection.ID, _ behaviour: Behaviour) -> Bool {
      switch behaviour {
      case .stalls where sources.contains(id): fail(id, .stalled)
      case .stalls:
        sources.insert(id)
        underWay[id]?.until = now + .seconds(10)
        selection.answered(id)
      case .honest:
        selection.answered(id)
        return true
      case .silent: fail(id, .silent)
      case .refuses: fail(id, .lost("Connection refused"))
      }
      return false
    }

    private mutating func fail(_ id: SourceSelection.ID, _ failure: SourceFailure) {
      underWay[id] = nil
      selection.failed(id, failure, gained: 0, at: now)
    }
  }

  private func step(_ selection: inout SourceSelection, _ now: NIODeadline) -> SourceSelection.Step? {
    selection.step(at: now)
  }

  @Test func `first source is asked alone if it answers`() throws {
    var network = Network(try holders(0..<50)) { _ in .honest(.milliseconds(5)) }
    let isFetched = network.run()
    #expect(isFetched)
    #expect(network.asked.count == 1)
    #expect(network.lookups == 0)
  }

  @Test func `silent source delays nobody`() throws {
    let silent = try holder(0).name
    var network = Network(try holders(0..<2)) { $0.name == silent ? .silent : .honest(.milliseconds(5)) }
    let isFetched = network.run()
    #expect(isFetched)
    #expect(network.now <= .uptimeNanoseconds(300_000_000))
  }

  /// The holder that answers is the last one.
  @Test func `one source among hundreds of silent ones is found`() throws {
    let honest = try holder(250).name
    var network = Network(try holders(0..<251)) { $0.name == honest ? .honest(.milliseconds(5)) : .silent }
    let isFetched = network.run()
    #expect(isFetched)
    #expect(network.now < .uptimeNanoseconds(120_000_000_000))
    #expect(network.most <= SourceSelection.Bounds().maxWidth)
  }

  /// An index that names the same 15,000 holders, each on a host of its own, with each look-up.
  @Test(arguments: [true, false]) func `rest of a look-up is left after 256 failed holders`(isSilent: Bool) throws {
    let dead = try holders(0..<15_000)
    var network = Network(dead, answers: { (dead, 15_000) }, behaviour: { _ in isSilent ? .silent : .refuses })
    let isFetched = network.run()
    #expect(!isFetched)
    #expect(network.asked.count == 256)
    #expect(network.selection.failures.count == 256)
    #expect(network.lookups <= SourceSelection.Bounds().maxFruitlessLookups)
  }

  @Test func `next look-up gives other holders their chance`() throws {
    let honest = try holder(15_000)
    var network = Network(
      try holders(0..<15_000), answers: { ([honest], 15_001) },
      behaviour: { $0 == honest ? .honest(.milliseconds(5)) : .refuses })
    let isFetched = network.run()
    #expect(isFetched)
    #expect(network.asked.count == 257)
  }

  /// An index that names other dead holders with each look-up.
  @Test(arguments: [50, 256, 5000]) func `search is over after 1,024 failed holders`(ofReply count: Int) throws {
    var next = 0
    var network = Network(
      [], total: 1_000_000,
      answers: {
        defer { next += count }
        return ((try? self.holders(next..<next + count)) ?? [], 1_000_000)
      }, behaviour: { _ in .refuses })
    let isFetched = network.run()
    #expect(!isFetched)
    #expect(network.asked.count == 1024)
    #expect(network.lookups <= 2 + 1024 / min(count, 256))
  }

  @Test func `failed holders are forgiven when bytes arrive`() throws {
    var selection = SourceSelection(at: .uptimeNanoseconds(0))
    var now = NIODeadline.uptimeNanoseconds(0)
    selection.add(try holders(0..<1), total: 100_000, at: now)
    guard case .ask(let good, _, _)? = step(&selection, now) else { return }
    selection.answered(good)
    var asked = 0
    for round in 1...8 {
      selection.gained(at: now)
      selection.add(try holders(round * 1000..<round * 1000 + 300), total: 100_000, at: now)
      while case .ask(let id, _, _) = step(&selection, now) {
        asked += 1
        selection.failed(id, .lost("Connection refused"), gained: 0, at: now)
      }
      now = now + .milliseconds(1)
    }
    #expect(asked == 8 * 256)
  }

  // MARK: A watch

  @Test func `holder that joins is asked at once`() throws {
    var selection = SourceSelection(at: .uptimeNanoseconds(0))
    let now = NIODeadline.uptimeNanoseconds(0)
    let (first, second) = (try holder(0), try holder(1))
    selection.add([first], total: 1, at: now)
    #expect(step(&selection, now) == .ask(0, first, pace: .patient))
    selection.joined(second, at: now)
    #expect(step(&selection, now) == .ask(1, second, pace: .usual))
    // It is known already.
    selection.joined(second, at: now)
    #expect(step(&selection, now) == .lookUp)
  }

  @Test func `failed holder is asked again when it is back`() throws {
    var selection = SourceSelection(at: .uptimeNanoseconds(0))
    let now = NIODeadline.uptimeNanoseconds(0)
    let (first, second) = (try holder(0), try holder(1))
    selection.add([first, second], total: 2, at: now)
    #expect(step(&selection, now) == .ask(0, first, pace: .usual))
    #expect(step(&selection, now) == .ask(1, second, pace: .usual))
    selection.answered(1)
    selection.failed(0, .lost("Connection refused"), gained: 0, at: now)
    selection.joined(first, at: now)
    #expect(step(&selection, now) == .ask(2, first, pace: .usual))
    selection.failed(2, .wrongBytes("block 1"), gained: 0, at: now)
    selection.joined(first, at: now)
    #expect(step(&selection, now) == nil)
  }

  @Test func `index is not asked from time to time while it reports each holder`() throws {
    var selection = SourceSelection(at: .uptimeNanoseconds(0))
    var now = NIODeadline.uptimeNanoseconds(0)
    func lookUps(in seconds: Int64, total: Int) -> Int {
      var count = 0
      for _ in 0..<seconds * 10 {
        now = now + .milliseconds(100)
        selection.gained(at: now)
        while let next = selection.step(at: now) {
          guard next == .lookUp else { continue }
          count += 1
          selection.add([], total: total, at: now)
        }
      }
      return count
    }
    selection.add(try holders(0..<2), total: 2, at: now)
    while case .ask(let id, _, _) = step(&selection, now) { selection.answered(id) }
    selection.watched(true)
    #expect(lookUps(in: 60, total: 2) == 0)
    // The watch is interrupted.
    selection.watched(false)
    #expect(lookUps(in: 60, total: 200) > 1)
    // There are more holders than a watch shows.
    selection.watched(true)
    #expect(lookUps(in: 60, total: 200) > 0)
  }

  /// An index that reports dead holders without end.
  @Test func `holders that join and fail are bounded`() throws {
    var selection = SourceSelection(at: .uptimeNanoseconds(0))
    var now = NIODeadline.uptimeNanoseconds(0)
    selection.add(try holders(0..<1), total: 1, at: now)
    guard case .ask(let good, _, _)? = step(&selection, now) else { return }
    selection.answered(good)
    var asked = 0
    for number in 1...10_000 {
      now = now + .milliseconds(10)
      selection.gained(at: now)
      selection.joined(try holder(number), at: now)
      while let next = selection.step(at: now) {
        switch next {
        case .ask(let id, _, _):
          asked += 1
          selection.failed(id, .lost("Connection refused"), gained: 0, at: now)
        case .lookUp: selection.lookUpFailed(at: now)
        case .replaceOne: break
        }
      }
    }
    // 100 s are at most four rounds.
    #expect((256...1024).contains(asked))
  }

  @Test func `hosts take turns`() throws {
    let honest = try holder(10_000, host: "10.9.9.9")
    var network = Network(try holders(0..<10_000, host: "10.0.0.1") + [honest]) {
      $0 == honest ? .honest(.milliseconds(5)) : .silent
    }
    let isFetched = network.run()
    #expect(isFetched)
    #expect(network.now < .uptimeNanoseconds(1_000_000_000))
    #expect(network.asked.count < 5)
  }

  @Test func `search ends in bounded time`() throws {
    var next = 0
    var network = Network(
      [], total: 1_000_000,
      answers: {
        next += 1000
        return ((try? self.holders(next..<next + 1000)) ?? [], 1_000_000)
      }, behaviour: { _ in .silent })
    let isFetched = network.run()
    #expect(!isFetched)
    #expect(network.now <= .uptimeNanoseconds(126_000_000_000))
    #expect(network.selection.holderCount <= SourceSelection.Bounds().maxHolders)
    #expect(network.most <= SourceSelection.Bounds().maxWidth)
  }

  /// Its reply takes longer than the timeout that applies after many silent holders.
  @Test func `source that missed a short timeout is asked again`() throws {
    let honest = try holder(100)
    var network = Network(try holders(0..<101)) { $0 == honest ? .honest(.seconds(3)) : .silent }
    let isFetched = network.run()
    #expect(isFetched)
    #expect(network.asked.filter { $0 == "p100" }.count == 2)
    #expect(network.now < .uptimeNanoseconds(60_000_000_000))
  }

  @Test func `index is asked again for unlisted holders`() throws {
    let honest = try holder(120)
    var samples = [try holders(50..<100), try holders(100..<121)]
    var network = Network(
      try holders(0..<50), total: 121, answers: { samples.isEmpty ? nil : (samples.removeFirst(), 121) },
      behaviour: { $0 == honest ? .honest(.milliseconds(1)) : .refuses })
    let isFetched = network.run()
    #expect(isFetched)
    #expect((2...3).contains(network.lookups))
  }

  @Test func `search ends early if all refuse and no others exist`() throws {
    let all = try holders(0..<10)
    var network = Network(all, answers: { (all, 10) }, behaviour: { _ in .refuses })
    let isFetched = network.run()
    #expect(!isFetched)
    #expect(network.now < .uptimeNanoseconds(1_000_000_000))
    #expect(network.selection.failures.count == 10)
    #expect(network.lookups == 1)
  }

  @Test func `sources that only promise delay nobody for long`() throws {
    let honest = try holder(5)
    var network = Network(try holders(0..<6)) { $0 == honest ? .honest(.milliseconds(5)) : .stalls }
    let isFetched = network.run()
    #expect(isFetched)
    #expect(network.now <= .uptimeNanoseconds(15_000_000_000))
  }

  @Test func `lost source that delivered is asked again after a pause`() throws {
    var selection = SourceSelection(isSmall: true, at: .uptimeNanoseconds(0))
    var now = NIODeadline.uptimeNanoseconds(0)
    let only = try holder(0)
    selection.add([only], total: 1, at: now)
    #expect(step(&selection, now) == .ask(0, only, pace: .patient))
    selection.answered(0)
    selection.gained(at: now)
    selection.failed(0, .lost("Connection reset by peer"), gained: 16_384, at: now)
    #expect(selection.hadHonestSource)
    _ = step(&selection, now)
    selection.add([only], total: 1, at: now)
    guard case .until(let deadline) = selection.rest(at: now) else {
      Issue.record("it may come back")
      return
    }
    now = max(deadline, now + .milliseconds(500))
    #expect(step(&selection, now) == .ask(1, only, pace: .patient))
    selection.failed(1, .wrongBytes("block 1"), gained: 16_384, at: now)
    #expect(step(&selection, now) == nil)
    #expect(selection.rest(at: now) == .end)
    #expect(selection.failures.hasWrongBytes)
    #expect(!selection.hadHonestSource)
  }

  @Test func `busy source is asked again when it said`() throws {
    var selection = SourceSelection(isSmall: true, at: .uptimeNanoseconds(0))
    var now = NIODeadline.uptimeNanoseconds(0)
    let only = try holder(0)
    selection.add([only], total: 1, at: now)
    _ = step(&selection, now)
    selection.failed(0, .busy(WireFailure(.unavailable, "slots", retryAfter: 7)), gained: 0, at: now)
    _ = step(&selection, now)
    selection.add([only], total: 1, at: now)
    now = now + .seconds(6)
    #expect(step(&selection, now) == nil)
    now = now + .seconds(1)
    #expect(step(&selection, now) == .ask(1, only, pace: .patient))
  }

  // MARK: Contents of several pieces

  @Test func `many sources are asked at once, and the index again and again`() throws {
    var selection = SourceSelection(at: .uptimeNanoseconds(0))
    var now = NIODeadline.uptimeNanoseconds(0)
    selection.add(try holders(0..<20), total: 20, at: now)
    var asked = [SourceSelection.ID]()
    while case .ask(let id, _, _) = step(&selection, now) { asked.append(id) }
    #expect(asked.count == 8)
    for id in asked { selection.answered(id) }
    while case .ask(let id, _, _) = step(&selection, now) { asked.append(id) }
    #expect(asked.count == 16)
    var times = [Int64]()
    for _ in 0..<60_000 {
      now = now + .milliseconds(1)
      while let next = selection.step(at: now) {
        guard next == .lookUp else { continue }
        times.append(Int64(now.uptimeNanoseconds) / 1_000_000)
        selection.gained(at: now)
        selection.add([], total: 20, at: now)
      }
    }
    #expect(times.prefix(5) == [200, 400, 800, 1600, 3200])
    for (early, late) in zip(times.dropFirst(4), times.dropFirst(5)) { #expect((5000...30_000).contains(late - early)) }
  }

  @Test func `there are at most 32 sources, which take turns with the others`() throws {
    var selection = SourceSelection(at: .uptimeNanoseconds(0))
    var now = NIODeadline.uptimeNanoseconds(0)
    selection.add(try holders(0..<40), total: 40, at: now)
    var sources = [SourceSelection.ID]()
    while case .ask(let id, _, _) = step(&selection, now) {
      selection.answered(id)
      sources.append(id)
    }
    #expect(sources.count == 32)
    selection.gained(at: now)
    now = now + .seconds(10)
    var steps = [SourceSelection.Step]()
    while let next = step(&selection, now) {
      steps.append(next)
      if next == .lookUp { selection.add([], total: 40, at: now) }
      if next == .replaceOne { selection.replaced(3, at: now) }
    }
    #expect(steps.contains(.replaceOne))
    #expect(steps.contains { if case .ask = $0 { true } else { false } })
  }
}
