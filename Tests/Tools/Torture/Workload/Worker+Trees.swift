// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import TestSupport

/// Downloads of prefixes, and limits.
extension Worker {
  func tree() {
    let peer = Int.random(in: 0...PeerNames.all.count, using: &random)
    let owner = peer < PeerNames.all.count ? peer : nil
    let prefix = Documents.tree(peer: owner, worker: number)
    let isShared = !random.once(in: 4)
    let request: JSONMembers = [
      "op": "get-all", "prefix": .string(prefix), "directory": .string(directory(of: prefix)), "results": true,
      "share": .bool(isShared), "force": .bool(!random.once(in: 4)),
    ]
    switch ask(.tree, request) {
    case .notSent: break
    case .lost: settle(prefix, files(of: owner))
    case .answer(let answer) where answer.reply["state"] != nil || (!answer.isOK && answer.reply["job"] != nil):
      settle(prefix, files(of: owner))
    case .answer(let answer):
      for event in answer.events where event["event"]?.string == "result" { take(event, isShared) }
    }
  }

  private func files(of owner: Int?) -> [(key: String, path: String)] {
    (0..<Documents.count).filter { ($0 % 3 == 2) == (owner == nil) }.map { document in
      let key = Documents.key(peer: owner ?? 0, worker: number, number: document)
      return (key, target(of: key))
    }
  }

  private func take(_ result: JSONValue, _ isShared: Bool) {
    guard let key = result["key"]?.string else {
      return record.find("\(name) got a result without a key: \(result.line)")
    }
    let path = target(of: key)
    checkAllowed(key, path)
    guard result["error"] == nil, let reported = Content(result) else {
      return ledger.lost(key, path: path, isOwn: false)
    }
    let found = Documents.read(path).flatMap(MerkleRoot.content)
    if reported != found || result["path"]?.string != path {
      record.find("\(name) fetched \(key) as \(result.line), but \(path) is \(Self.text(found))")
    }
    if isShared {
      ledger.shared(key, reported, path: path, isOwn: false)
    } else if ledger.entries[path] != nil {
      ledger.lost(key, path: path, isOwn: false)
    }
  }

  func limit() {
    let rates: [Int64] = [0, 0, 2_000_000, 20_000_000]
    _ = ask(
      .limit, ["op": "limit", "down": .integer(random.pick(rates)), "up": .integer(random.pick(rates))])
  }
}
