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
    var source: Holder?
    let behaviour: (Holder) -> Behaviour
    /// The reply to a repeated look-up.
    var answers: () -> (holders: [Holder], total: Int)?
    var lookups = 0

    init(
      bounds: SourceSelection.Bounds = .init(), _ holders: [Holder], total: Int? = nil,
      answers: @escaping () -> (holders: [Holder], total: Int)? = { nil },
      behaviour: @escaping (Holder) -> Behaviour
    ) {
      selection = SourceSelection(bounds: bounds, at: now)
      selection.add(holders, total: total ?? holders.count)
      self.behaviour = behaviour
      self.answers = answers
    }

    /// - Returns: whether the download completed.
    mutating func run() -> Bool {
      while true {
        while let step = selection.step(at: now) { if carryOut(step) { return true } }
        guard case .until(let deadline) = selection.rest(at: now) else { return false }
        let next = underWay.min { $0.value.until < $1.value.until }
        guard let next, next.value.until <= deadline else {
          now = max(deadline, now + .nanoseconds(1))
          continue
        }
        now = max(now, next.value.until)
        end(next.key, next.value.behaviour)
      }
    }

    private mutating func carryOut(_ step: SourceSelection.Step) -> Bool {
      switch step {
      case .ask(let id, let holder, let pace, _):
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
      case .fetch(let id):
        guard let giver = underWay[id] else { return false }
        source = giver.holder
        if case .honest = giver.behaviour { return true }
        underWay[id]?.until = now + .seconds(10)
      case .leave(let id): underWay[id] = nil
      case .lookUp:
        lookups += 1
        if let (holders, total) = answers() {
          selection.add(holders, total: total)
        } else {
          selection.lookUpFailed()
        }
      }
      return false
    }

    private mutating func end(_ id: SourceSelection.ID, _ behaviour: Behaviour) {
      switch behaviour {
      case .stalls where source == underWay[id]?.holder: fail(id, .stalled)
      case .honest, .stalls:
        underWay[id]?.until = .distantFuture
        selection.becameWilling(id)
      case .silent: fail(id, .silent)
      case .refuses: fail(id, .lost("Connection refused"))
      }
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

  /// The holder that answers is the last of ten thousand.
  @Test func `one source among ten thousand silent ones is found`() throws {
    let honest = try holder(10_000).name
    var network = Network(try holders(0..<10_001)) { $0.name == honest ? .honest(.milliseconds(5)) : .silent }
    let isFetched = network.run()
    #expect(isFetched)
    #expect(network.now < .uptimeNanoseconds(120_000_000_000))
    #expect(network.most <= SourceSelection.Bounds().maxWidth)
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

  @Test func `source that only promises is dropped for others`() throws {
    let honest = try holder(5)
    var network = Network(try holders(0..<6)) { $0 == honest ? .honest(.milliseconds(5)) : .stalls }
    let isFetched = network.run()
    #expect(isFetched)
    #expect(network.now <= .uptimeNanoseconds(15_000_000_000))
  }

  @Test func `slow source is dropped when others exist`() throws {
    var selection = SourceSelection(at: .uptimeNanoseconds(0))
    let (slow, other) = (try holder(0), try holder(1))
    selection.add([slow, other], total: 2)
    var now = NIODeadline.uptimeNanoseconds(0)
    #expect(step(&selection, now) == .ask(0, slow, pace: .usual, isAlone: true))
    selection.becameWilling(0)
    #expect(step(&selection, now) == .fetch(from: 0))
    now = now + .seconds(1)
    selection.gained(16_384, at: now)
    now = now + .seconds(1)
    #expect(step(&selection, now) == nil)
    now = now + .seconds(10)
    #expect(step(&selection, now) == .leave(0))
    #expect(step(&selection, now) == .ask(1, other, pace: .usual, isAlone: true))
    selection.failed(1, .incomplete, gained: 0, at: now)
    #expect(step(&selection, now) == .lookUp)
    selection.lookUpFailed()
    #expect(step(&selection, now) == .ask(2, slow, pace: .usual, isAlone: true))
    selection.becameWilling(2)
    #expect(step(&selection, now) == .fetch(from: 2))
    now = now + .seconds(60)
    #expect(step(&selection, now) == nil)
  }

  @Test func `lost source that delivered is asked again`() throws {
    var selection = SourceSelection(at: .uptimeNanoseconds(0))
    let now = NIODeadline.uptimeNanoseconds(0)
    let only = try holder(0)
    selection.add([only], total: 1)
    #expect(step(&selection, now) == .ask(0, only, pace: .patient, isAlone: true))
    selection.becameWilling(0)
    #expect(step(&selection, now) == .fetch(from: 0))
    selection.gained(16_384, at: now)
    selection.failed(0, .lost("Connection reset by peer"), gained: 16_384, at: now)
    #expect(step(&selection, now) == .ask(1, only, pace: .patient, isAlone: true))
    selection.failed(1, .wrongBytes("block 1"), gained: 16_384, at: now)
    #expect(step(&selection, now) == .lookUp)
    selection.add([only], total: 1)
    #expect(step(&selection, now) == nil)
    #expect(selection.rest(at: now) == .end)
    #expect(selection.failures.hasWrongBytes)
  }

  @Test func `other sources are released and asked again after a failure`() throws {
    var selection = SourceSelection(at: .uptimeNanoseconds(0))
    var now = NIODeadline.uptimeNanoseconds(0)
    selection.add(try holders(0..<3), total: 3)
    _ = selection.step(at: now)
    now = now + .milliseconds(500)
    _ = selection.step(at: now)
    _ = selection.step(at: now)
    #expect(step(&selection, now) == nil)
    selection.becameWilling(1)
    #expect(step(&selection, now) == .fetch(from: 1))
    let (first, second) = (selection.step(at: now), selection.step(at: now))
    let left = [first, second]
    #expect(left.contains(.leave(0)) && left.contains(.leave(2)))
    #expect(step(&selection, now) == nil)
    selection.failed(1, .stalled, gained: 0, at: now)
    guard case .ask(3, _, _, isAlone: true) = selection.step(at: now) else {
      Issue.record("another is asked")
      return
    }
  }
}
