// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import TestSupport

/// The checks after all faults have ended, one function each.
final class FinalChecks {
  /// Everything must recover within this time.
  private static let timeout = Duration.seconds(60)
  private static let askTimeout = Duration.seconds(20)
  /// Kept connections to other peers may add some.
  private static let maxMoreDescriptors = 24
  /// In KiB.
  private static let maxMoreMemory = 96 << 10
  private static let fetchSampleSize = 12

  private let torture: Torture
  private var results: [CheckResult] = []
  private var fleet: Fleet { torture.fleet }

  init(torture: Torture) {
    self.torture = torture
  }

  func run() throws -> [CheckResult] {
    try check("all processes are ready", allReady)
    try check("the work was done", workWasDone)
    try check("no download is left", noDownloadLeft)
    try check("memory and descriptors have not grown", usageHasNotGrown)
    try check("acknowledged adds are in the catalogues", { try self.cataloguesAgree(isSettled: false) })
    try check("all peers restart", allRestart)
    try check("changed files are shared as they are", { try self.cataloguesAgree(isSettled: true) })
    try check("the index matches the catalogues", indexAgrees)
    try check("no dead session", noDeadSession)
    try check("listed documents can be fetched", listedCanBeFetched)
    try check("no wrong byte under a final name", noWrongByte)
    try check("no orphan process", noOrphan)
    try check("nothing crashed", nothingCrashed)
    try check("everything stops", allStop)
    return results
  }

  private func check(_ name: String, _ body: () throws -> Verdict) throws {
    do {
      let verdict = try body()
      results.append(CheckResult(name: name, isGood: verdict.isGood, detail: verdict.detail))
      if !verdict.isGood { torture.record.find("\(name): \(verdict.detail)") }
    } catch let interruption as Torture.Interruption {
      throw interruption
    } catch {
      results.append(CheckResult(name: name, isGood: false, detail: "\(error)"))
      torture.record.find("\(name): \(error)")
    }
  }

  private enum Verdict {
    case good(String)
    case bad(String)

    init(wrong: [String], good: String) {
      self = wrong.isEmpty ? .good(good) : .bad("\(wrong.count): \(wrong.prefix(5).joined(separator: " | "))")
    }

    var isGood: Bool { if case .good = self { true } else { false } }
    var detail: String {
      switch self {
      case .good(let detail), .bad(let detail): detail
      }
    }
  }

  // MARK: Asking

  private func ask(_ peer: String, _ request: JSONMembers) throws -> ControlSession.Answer {
    try ControlSession(path: fleet.socket(peer), timeout: Self.askTimeout).ask(request)
  }

  private func catalogue(_ peer: String) throws -> [CatalogueRow] {
    let answer = try ask(peer, ["op": "list", "mine": true])
    guard answer.isOK else { throw TortureFailure("\(peer) rejected list: \(answer.reply.line)") }
    return answer.events.compactMap(CatalogueRow.init)
  }

  /// Repeats until nothing is wrong or the timeout has passed.
  /// - Returns: what is still wrong.
  private func eventually(_ wrong: () throws -> [String]) throws -> [String] {
    var found: [String] = []
    _ = try torture.wait(Self.timeout) {
      do { found = try wrong() } catch { found = ["\(error)"] }
      return found.isEmpty
    }
    return found
  }

  // MARK: Checks

  private func allReady() throws -> Verdict {
    let isReady = try torture.wait(Self.timeout) { fleet.isReady }
    for peer in fleet.peers { _ = try? ask(peer, ["op": "limit", "down": 0, "up": 0]) }
    let connected = try eventually {
      try fleet.peers.filter { try ask($0, ["op": "status"]).reply["index"]?["connected"]?.bool != true }
    }
    let rows = fleet.rows() ?? []
    let states = rows.map { "\($0.name) \($0.state)" }.joined(separator: ", ")
    guard isReady, connected.isEmpty else { return .bad("\(states); without index: \(connected)") }
    let restarts = rows.reduce(0) { $0 + $1.restarts }
    return .good("\(rows.count) processes, \(restarts) restarts")
  }

  /// A run without successful operations proves nothing.
  private func workWasDone() -> Verdict {
    let outcomes = torture.record.outcomes
    let (adds, gets) = (outcomes["add"]?["ok"] ?? 0, outcomes["get"]?["ok"] ?? 0)
    let least = max(1, torture.options.seconds / 6)
    let trees = outcomes["get, tree"]?["ok"] ?? 0
    let figures = "\(adds) adds, \(gets) fetches, \(trees) trees acknowledged"
    return adds >= least && gets >= least ? .good(figures) : .bad("only \(figures)")
  }

  private func noDownloadLeft() throws -> Verdict {
    let wrong = try eventually {
      try fleet.peers.flatMap { peer in
        try ask(peer, ["op": "transfers"]).events.map { transfer in
          try endUndecided(transfer, of: peer)
          return "\(peer): \(transfer.line)"
        }
      }
    }
    return Verdict(wrong: wrong, good: "none")
  }

  /// Ends a download that waits for a person: others have its content no longer, and several under its key.
  private func endUndecided(_ transfer: JSONValue, of peer: String) throws {
    guard transfer["state"]?.string == "waiting", let key = transfer["key"], let job = transfer["id"] else { return }
    let contents = try ask(peer, ["op": "lookup", "key": key]).reply["contents"]?.array ?? []
    let ofOthers = contents.filter { $0["holders"]?.array?.contains { $0["name"]?.string != peer } ?? false }
    guard ofOthers.count > 1, !ofOthers.contains(where: { $0["content"] == transfer["content"] }) else { return }
    _ = try ask(peer, ["op": "cancel", "job": job])
  }

  private func usageHasNotGrown() throws -> Verdict {
    let before = torture.sampler.first
    var now: [String: Sampler.Reading] = [:]
    let wrong = try eventually {
      now = torture.sampler.readings(fleet.rows() ?? [])
      return now.flatMap { name, reading -> [String] in
        guard let first = before[name] else { return [] }
        var wrong: [String] = []
        if reading.descriptors > first.descriptors + Self.maxMoreDescriptors {
          wrong.append("\(name) has \(reading.descriptors) descriptors, before \(first.descriptors)")
        }
        if reading.memory > 2 * first.memory + Self.maxMoreMemory {
          wrong.append("\(name) has \(reading.memory) KiB, before \(first.memory)")
        }
        return wrong
      }
    }
    let most = now.values.map(\.memory).max() ?? 0
    return Verdict(
      wrong: wrong, good: "at most \(most / 1024) MiB, \(now.values.map(\.descriptors).max() ?? 0) descriptors")
  }

  private func cataloguesAgree(isSettled: Bool) throws -> Verdict {
    var count = 0
    let wrong = try eventually {
      count = 0
      return try torture.workers.flatMap { worker in
        count += worker.ledger.expectations(isSettled: isSettled).count
        return worker.ledger.contradictions(try catalogue(worker.name), isSettled: isSettled).map {
          "\(worker.name): \($0)"
        }
      }
    }
    return Verdict(wrong: wrong, good: "\(count) acknowledgements")
  }

  private func allRestart() throws -> Verdict {
    for peer in fleet.peers {
      let answer = try fleet.ask(["op": "restart", "name": .string(peer)], timeout: Self.askTimeout)
      guard answer.isOK else { return .bad("\(peer): \(answer.reply.line)") }
    }
    guard try torture.wait(Self.timeout, until: { fleet.isReady }) else { return .bad("not ready again") }
    let leftovers = PeerNames.all.flatMap { peer in
      downloads(of: peer).filter { $0.contains("/.") || $0.hasPrefix(".") }.map { "\(peer)/\($0)" }
    }
    return Verdict(wrong: leftovers, good: "no partial file left")
  }

  /// The files of all trees of a peer.
  private func downloads(of peer: String) -> [String] {
    let root = torture.paths.downloads(peer)
    return (ProcessTable.entries(of: root) ?? []).flatMap { tree in
      ProcessTable.entries(of: "\(root)/\(tree)").map { names in names.map { "\(tree)/\($0)" } } ?? [tree]
    }
  }

  /// A record of the index.
  private struct Record: Hashable {
    let key: String
    let content: Content
    let peer: String
  }

  private func indexAgrees() throws -> Verdict {
    var count = 0
    let wrong = try eventually {
      var held: Set<Record> = []
      for peer in fleet.peers {
        for row in try catalogue(peer) where row.isShared {
          held.insert(Record(key: row.key, content: row.content, peer: peer))
        }
      }
      let listed = try records(keys: Set(held.map(\.key)))
      count = held.count
      return held.subtracting(listed).map { "not in the index: \($0)" }
        + listed.subtracting(held).map { "in no catalogue: \($0)" }
    }
    return Verdict(wrong: wrong, good: "\(count) records")
  }

  /// All records of the index.
  private func records(keys: Set<String>) throws -> Set<Record> {
    guard let asker = fleet.peers.first else { return [] }
    let session = try ControlSession(path: fleet.socket(asker), timeout: Self.askTimeout)
    let listed = try session.ask(["op": "list"]).events.compactMap { $0["key"]?.string }
    var records: Set<Record> = []
    for key in keys.union(listed).sorted() {
      let answer = try session.ask(["op": "lookup", "key": .string(key)])
      for row in answer.reply["contents"]?.array ?? [] {
        guard let content = Content(row) else { throw TortureFailure("row without content: \(row.line)") }
        for holder in row["holders"]?.array ?? [] {
          records.insert(Record(key: key, content: content, peer: holder["name"]?.string ?? "nobody"))
        }
      }
    }
    return records
  }

  private func noDeadSession() throws -> Verdict {
    var figures = ""
    let wrong = try eventually {
      guard let asker = fleet.peers.first else { return ["no peer"] }
      let answer = try ask(asker, ["op": "peers"])
      let names = answer.events.compactMap { $0["name"]?.string }.sorted()
      figures = "\(names.count) peers"
      return names == fleet.peers.sorted() ? [] : ["the index lists \(names); \(figures)"]
    }
    return Verdict(wrong: wrong, good: figures)
  }

  private func listedCanBeFetched() throws -> Verdict {
    var random = SeededGenerator(seed: torture.options.seed).branch(3)
    guard let peer = fleet.peers.last else { return .bad("no peer") }
    let listed = try ask(peer, ["op": "list"]).events
    var wrong: [String] = []
    for row in listed.shuffled(using: &random).prefix(Self.fetchSampleSize) {
      guard let key = row["key"]?.string, let content = Content(row) else { continue }
      let path = torture.paths.documents + "/fetched"
      let answer = try ask(
        peer,
        [
          "op": "get", "key": .string(key), "content": .string(content.root.hex), "path": .string(path),
          "force": true, "share": false,
        ])
      let found = TemporaryDirectory.read(path).flatMap(MerkleRoot.content)
      if !answer.isOK || found != content { wrong.append("\(key): \(answer.reply.line)") }
    }
    return Verdict(wrong: wrong, good: "\(min(listed.count, Self.fetchSampleSize)) of \(listed.count) fetched")
  }

  private func noWrongByte() -> Verdict {
    var (count, wrong) = (0, [String]())
    for peer in fleet.peers {
      for name in downloads(of: peer) where !name.contains("/.") && !name.hasPrefix(".") {
        let path = "\(torture.paths.downloads(peer))/\(name)"
        count += 1
        guard let content = TemporaryDirectory.read(path).flatMap(MerkleRoot.content),
          torture.record.isAllowed(content, under: "file/\(name)")
        else {
          wrong.append(path)
          continue
        }
      }
    }
    return Verdict(wrong: wrong, good: "\(count) fetched files")
  }

  private func noOrphan() throws -> Verdict {
    var count = 0
    let wrong = try eventually {
      let rows = fleet.rows() ?? []
      let expected = Set(rows.map(\.pid) + [fleet.supervisorPID ?? 0])
      let found = ProcessTable.processes(withHome: fleet.home)
      count = found.count
      return found.filter { !expected.contains($0) }.map { "\($0): \(ProcessTable.executable(of: $0) ?? "gone")" }
    }
    return Verdict(wrong: wrong, good: "\(count) processes")
  }

  /// Expected ends: SIGKILL, status 0, SIGTERM during start, 75 (disk full), 69 (supervisor gone). All others are crashes.
  private func nothingCrashed() -> Verdict {
    var (ends, wrong) = (0, [String]())
    for name in ProcessTable.entries(of: torture.paths.home + "/log") ?? [] {
      let text = TemporaryDirectory.read("\(torture.paths.home)/log/\(name)") ?? []
      for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
        if Self.isCrash(line) { wrong.append("\(name): \(line)") }
        guard let place = line.firstRange(of: "was ended by signal ") else { continue }
        ends += 1
        if !["9", "15"].contains(line[place.upperBound...].prefix { $0.isNumber }) { wrong.append("\(name): \(line)") }
      }
    }
    return Verdict(wrong: wrong, good: "\(ends) ends by a signal in the logs")
  }

  private static func isCrash(_ line: Substring) -> Bool {
    if ["Fatal error", "AddressSanitizer", " parked after repeated failures"].contains(where: { line.contains($0) }) {
      return true
    }
    guard let place = line.firstRange(of: "exited with status ") else { return false }
    return !["0", "69", "75"].contains(line[place.upperBound...].prefix { $0.isNumber })
  }

  private func allStop() throws -> Verdict {
    if let wrong = fleet.stop() { return .bad(wrong) }
    let left = ProcessTable.processes(withHome: fleet.home)
    return Verdict(wrong: left.map { "\($0) is still running" }, good: "no process left")
  }
}

/// The result of one check.
struct CheckResult {
  let name: String
  let isGood: Bool
  /// Figures, or what is wrong.
  let detail: String
}
