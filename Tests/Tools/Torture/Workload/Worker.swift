// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import Synchronization
import TestSupport

/// One user of one peer: sends one request at a time and records what was acknowledged.
///
/// It has its own documents, keys and targets, so the last acknowledgement determines the expected state.
final class Worker {
  /// Longer than any fault and than any wait in the written protocol.
  private static let timeout = Duration.seconds(90)

  let peer: Int
  let number: Int
  private let socket: String
  let downloads: String
  let documents: Documents
  let record: RunRecord
  let journal: Journal
  var random: SeededGenerator
  private var session: ControlSession?
  var ledger = Ledger()

  var name: String { PeerNames.name(of: peer) }

  init(
    peer: Int, number: Int, socket: String, downloads: String, documents: Documents, record: RunRecord,
    journal: Journal, random: SeededGenerator
  ) {
    self.journal = journal
    self.peer = peer
    self.number = number
    self.socket = socket
    self.downloads = downloads
    self.documents = documents
    self.record = record
    self.random = random
  }

  /// - Parameter pause: maximum milliseconds between two operations.
  func run(pause: Int, until hasEnded: () -> Bool) {
    while !hasEnded() {
      if random.once(in: 20) { session = nil }
      step(Operation.next(&random))
      usleep(UInt32(Int.random(in: 0...max(0, pause), using: &random)) * 1_000)
    }
    session = nil
  }

  private func step(_ operation: Operation) {
    switch operation {
    case .add: add(isChanging: false)
    case .addWhileChanging: add(isChanging: true)
    case .change: change()
    case .delete: delete()
    case .get: get()
    case .tree: tree()
    case .cancel: cancel()
    case .lookup: _ = ask(.lookup, ["op": "lookup", "key": .string(anyKey())])
    case .list: _ = ask(.list, listRequest())
    case .mine: mine()
    case .remove: remove()
    case .status: _ = ask(.status, ["op": "status"])
    case .peers: _ = ask(.peers, ["op": "peers"])
    case .transfers: _ = ask(.transfers, ["op": "transfers"])
    case .limit: limit()
    }
  }

  // MARK: Asking

  enum Result {
    case answer(ControlSession.Answer)
    /// The request was not sent.
    case notSent
    /// The outcome is unknown.
    case lost
  }

  func ask(
    _ operation: Operation, _ request: JSONMembers, meanwhile: () -> Void = {}
  ) -> Result {
    do {
      let session = try self.session ?? ControlSession(path: socket, timeout: Self.timeout)
      self.session = session
      try session.send(request)
      meanwhile()
      let answer = try session.answer()
      record.count(operation.rawValue, answer.outcome)
      journal.note("\(JSONValue.object(request).line) -> \(answer.reply.line)")
      if Operation.inexcusable.contains(answer.outcome), !answer.isDiskFailure {
        record.find("\(name) answered \(operation.rawValue) with \(answer.reply.line)")
      }
      return .answer(answer)
    } catch ControlSession.Failure.refused {
      session = nil
      record.count(operation.rawValue, "not running")
      return .notSent
    } catch ControlSession.Failure.silent {
      journal.note("\(JSONValue.object(request).line) -> silence")
      session = nil
      record.count(operation.rawValue, "no answer")
      record.find(
        "\(name) did not answer \(operation.rawValue) within \(Self.timeout): \(JSONValue.object(request).line)")
      return .lost
    } catch {
      session = nil
      journal.note("\(JSONValue.object(request).line) -> \(error)")
      record.count(operation.rawValue, "connection lost")
      return .lost
    }
  }

  private func anySlot() -> Documents.Slot {
    documents.slots[Int.random(in: 0..<documents.slots.count, using: &random)]
  }

  private func anyKey() -> String {
    Documents.key(
      peer: Int.random(in: 0..<PeerNames.all.count, using: &random), worker: number,
      number: Int.random(in: 0..<Documents.count, using: &random))
  }

  private func listRequest() -> JSONMembers {
    random.once(in: 2)
      ? ["op": "list", "collection": "file", "limit": 50] : ["op": "list", "words": .string("common \(number)")]
  }

  // MARK: Adding

  private func add(isChanging: Bool) {
    let slot = anySlot()
    // Half of the time add the existing file.
    if access(slot.path, F_OK) != 0 || random.once(in: 2) {
      let bytes = documents.fresh(slot, &random)
      guard let content = MerkleRoot.content(of: bytes) else { return }
      record.allow(content, under: slot.key)
      guard (try? documents.replace(slot, with: bytes)) != nil else { return }
      journal.note("wrote \(slot.path) as \(content)")
      ledger.fileChanged(slot.path, to: content)
    }
    guard let before = Documents.read(slot.path).flatMap(MerkleRoot.content) else { return }
    var after: Content?
    let request: JSONMembers = [
      "op": "add", "paths": [.string(slot.path)], "recursive": false, "key": .string(slot.key),
    ]
    let result = ask(isChanging ? .addWhileChanging : .add, request) {
      if isChanging { after = change(slot) }
    }
    switch result {
    case .notSent: break
    case .lost: ledger.lost(slot.key, path: slot.path, isOwn: true)
    case .answer(let answer): added(answer, slot, before: before, after: after)
    }
    if let after { ledger.fileChanged(slot.path, to: after) }
  }

  private func added(_ answer: ControlSession.Answer, _ slot: Documents.Slot, before: Content, after: Content?) {
    guard answer.isOK, answer.reply["added"]?.integer == 1 else {
      // The peer may have checked the previous share meanwhile.
      if answer.isOK || after != nil { ledger.lost(slot.key, path: slot.path, isOwn: true) }
      return
    }
    guard let content = answer.events.first(where: { $0["event"]?.string == "added" }).flatMap(Content.init) else {
      record.find("\(name) added \(slot.key) without an event: \(answer.events.map(\.line))")
      return
    }
    if content != before, content != after, !record.isAllowed(content, under: slot.key) {
      record.find("\(name) added \(slot.key) as \(content), but the file never had this content")
    }
    ledger.shared(slot.key, content, path: slot.path, isOwn: true)
  }

  private func change() {
    let slot = anySlot()
    let operation = Operation.change.rawValue
    guard let content = change(slot) else { return record.count(operation, "no file") }
    ledger.fileChanged(slot.path, to: content)
    journal.note("changed \(slot.path) to \(content)")
    record.count(operation, "ok")
  }

  private func change(_ slot: Documents.Slot) -> Content? {
    FileChange.allCases.randomElement(using: &random)?.apply(to: slot, of: documents, &random) { [record] in
      record.allow($0, under: slot.key)
    }
  }

  private func delete() {
    let paths = ledger.entries.keys.sorted()
    guard let path = paths.randomElement(using: &random) else { return }
    let isDone = unlink(path) == 0
    if isDone { ledger.fileChanged(path, to: nil) }
    journal.note("deleted \(path): \(isDone)")
    record.count(Operation.delete.rawValue, isDone ? "ok" : "no file")
  }

  private func remove() {
    guard let path = ledger.entries.keys.sorted().randomElement(using: &random), let entry = ledger.entries[path] else {
      return
    }
    switch ask(.remove, ["op": "remove", "key": .string(entry.key)]) {
    case .notSent: break
    case .lost: ledger.lost(entry.key)
    case .answer(let answer) where answer.isOK: ledger.removed(entry.key)
    case .answer(let answer):
      if answer.outcome == "not-found", case .shared = entry.claim, entry.file == .unchanged {
        record.find("\(name) does not share \(entry.key), which it acknowledged: \(answer.reply.line)")
      }
    }
  }

  private func mine() {
    guard case .answer(let answer) = ask(.mine, ["op": "list", "mine": true]), answer.isOK else { return }
    for contradiction in ledger.contradictions(answer.events.compactMap(CatalogueRow.init), isSettled: false) {
      record.find("\(name): \(contradiction)")
    }
  }

  // MARK: Fetching

  /// A tree has a directory of its own, into which its documents are fetched one by one as well.
  func directory(of key: String) -> String { "\(downloads)/\(key.split(separator: "/").dropFirst()[1])" }

  func target(of key: String) -> String { "\(downloads)/\(key.drop { $0 != "/" }.dropFirst())" }

  private func get() {
    let key = anyKey()
    let path = target(of: key)
    let isShared = !random.once(in: 4)
    var request: JSONMembers = ["op": "get", "key": .string(key), "share": .bool(isShared)]
    request["force"] = .bool(!random.once(in: 4))
    if random.once(in: 2) {
      request["path"] = .string(path)
    } else {
      request["directory"] = .string(directory(of: key))
    }
    mkdir(directory(of: key), 0o700)
    if random.once(in: 3) {
      request["from"] = .string(PeerNames.name(of: Int.random(in: 0..<PeerNames.all.count, using: &random)))
    }
    let before = Documents.read(path).flatMap(MerkleRoot.content)
    guard case .answer(let answer) = finish(ask(.get, request), key, path) else { return }
    if !answer.isOK, answer.reply["job"] != nil { return settleJob(key, path) }
    let after = Documents.read(path).flatMap(MerkleRoot.content)
    if answer.isOK {
      fetched(answer, key, path, after: after, wasThere: before == after, isShared: isShared)
    } else if after != before {
      failed(answer, key, path)
    }
    settleWithChoice(answer, key)
  }

  private func finish(_ result: Result, _ key: String, _ path: String) -> Result {
    if case .lost = result { settleJob(key, path) }
    return result
  }

  private func fetched(
    _ answer: ControlSession.Answer, _ key: String, _ path: String, after: Content?, wasThere: Bool, isShared: Bool
  ) {
    let reported = Content(answer.reply)
    if reported != after || reported == nil {
      record.find("\(name) fetched \(key) as \(Self.text(reported)), but \(path) is \(Self.text(after))")
    }
    checkAllowed(key, path)
    guard let reported else { return }
    if isShared {
      ledger.shared(key, reported, path: path, isOwn: false)
    } else if let entry = ledger.entries[path], entry.claim != .absent, !wasThere {
      ledger.lost(key, path: path, isOwn: false)
    }
  }

  /// The file may be complete although sharing failed, but then the message must say so.
  private func failed(_ answer: ControlSession.Answer, _ key: String, _ path: String) {
    if answer.reply["message"]?.string?.contains("is complete, but could not be added to the catalogue") != true {
      record.find("\(name) failed to get \(key), but \(path) changed: \(answer.reply.line)")
    }
    ledger.lost(key, path: path, isOwn: false)
    checkAllowed(key, path)
  }

  func checkAllowed(_ key: String, _ path: String) {
    guard let content = Documents.read(path).flatMap(MerkleRoot.content) else { return }
    if !record.isAllowed(content, under: key) {
      record.find("wrong bytes under a final name: \(path) of \(name) is \(content), which \(key) never had")
    }
  }

  /// Fetches one of several contents under the key.
  private func settleWithChoice(_ answer: ControlSession.Answer, _ key: String) {
    guard answer.outcome == "several-contents",
      let choice = answer.reply["choices"]?.array?.randomElement(using: &random), let wanted = Content(choice)
    else { return }
    let path = target(of: key)
    let request: JSONMembers = [
      "op": "get", "key": .string(key), "path": .string(path), "force": true, "share": true,
      "content": .string(wanted.root.hex),
    ]
    let before = Documents.read(path).flatMap(MerkleRoot.content)
    guard case .answer(let second) = finish(ask(.get, request), key, path) else { return }
    if !second.isOK, second.reply["job"] != nil { return settleJob(key, path) }
    let after = Documents.read(path).flatMap(MerkleRoot.content)
    guard second.isOK else { return after == before ? () : failed(second, key, path) }
    if Content(second.reply) != wanted { record.find("\(name) asked for \(wanted) and got \(second.reply.line)") }
    fetched(second, key, path, after: after, wasThere: false, isShared: true)
  }

  private func cancel() {
    let key = anyKey()
    let path = target(of: key)
    do {
      let session = try ControlSession(path: socket, timeout: Self.timeout)
      try session.send([
        "op": "get", "key": .string(key), "path": .string(path), "force": true, "share": true, "progress": true,
      ])
      if random.once(in: 2) {
        _ = try session.line()
      } else {
        usleep(UInt32.random(in: 0...20_000, using: &random))
      }
      journal.note("cancelled a get of \(key)")
      record.count(Operation.cancel.rawValue, "ok")
    } catch ControlSession.Failure.refused {
      return record.count(Operation.cancel.rawValue, "not running")
    } catch {
      record.count(Operation.cancel.rawValue, "connection lost")
    }
    settleJob(key, path)
  }

  private func settleJob(_ key: String, _ path: String) {
    settle(key, [(key, path)])
  }

  /// A download goes on without its `get`: waits a while for it, then cancels it. Until it has ended, files and shares may
  /// change at any time.
  /// - Parameter name: a key or a prefix.
  func settle(_ name: String, _ files: [(key: String, path: String)]) {
    let patience = ContinuousClock.now + .milliseconds(Int.random(in: 0..<3_000, using: &random))
    let deadline = ContinuousClock.now + Self.timeout
    defer {
      for (key, path) in files {
        ledger.lost(key, path: path, isOwn: false)
        checkAllowed(key, path)
      }
    }
    while ContinuousClock.now < deadline {
      usleep(20_000)
      guard case .answer(let answer) = ask(.transfers, ["op": "transfers"]), answer.isOK else { continue }
      let isThere = answer.events.contains { $0["key"]?.string == name && $0["direction"]?.string == "download" }
      if !isThere { return }
      if ContinuousClock.now > patience { _ = ask(.cancel, ["op": "cancel", "key": .string(name)]) }
    }
    record.find("\(self.name) still fetches \(name) although it was told to cancel \(Self.timeout) ago")
  }

  static func text(_ content: Content?) -> String { content.map { "\($0)" } ?? "missing" }
}
