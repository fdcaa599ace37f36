// SPDX-License-Identifier: Apache-2.0

/// What must hold between the parts of an index, and how much they hold. For tests.
extension DocumentIndex {
  /// What is wrong, in words; empty where all is well. Goes through everything.
  package func checkInvariants() -> [String] {
    var checker = InvariantChecker()
    checkEntries(&checker)
    checkSessions(&checker)
    checkTables(&checker)
    return checker.defects
  }

  /// Everything that takes memory: all zero in an index without sessions.
  package var internalCounts: [String: Int] {
    [
      "records": records.count, "entries": entries.count, "contents": contents.count, "sources": sources.count,
      "sessions": sessions.count, "keys": keys.count, "titles": titles.count,
      "contentSlots": contentSlots.count, "rivalSlots": rivalSlots.count, "sourceSlots": sourceSlots.count,
      "sessionSlots": sessionSlots.count,
      "entryOrder": entryOrder.count, "sourceOrder": sourceOrder.count, "sharedHolders": sharedHolders.count,
      "words": words.wordCount,
    ]
  }

  private func checkEntries(_ checker: inout InvariantChecker) {
    var position = entryOrder.start
    var previous: UInt32?
    var (entryCount, recordCount) = (0, 0)
    while let entry = entryOrder.next(&position)?.slot {
      entryCount += 1
      if let previous { checker.expect(precedes(previous, entry), "the list is out of order") }
      previous = entry
      let claims = Array(entries[entry].records.slots(in: records))
      recordCount += claims.count
      checker.expect(!claims.isEmpty, "an entry has no record")
      checker.expect(
        claims.first.map { records[$0].title } == entries[entry].title
          && claims.first.map { records[$0].modified } == entries[entry].modified,
        "an entry does not say what its oldest record says")
      checkHolders(of: entry, claims, &checker)
      checker.expect(findEntry(key(of: entry), entries[entry].content) == entry, "an entry is not found by its key")
      checker.expect(
        words.holds(entry, title: title(of: entry), key: key(of: entry)), "an entry is not found by its words")
      checkRanking(of: entry, &checker)
    }
    checker.expect(entryCount == entries.count, "the list and the entries differ in number")
    checker.expect(recordCount == records.count, "entries do not hold all records")
  }

  private func checkHolders(of entry: UInt32, _ claims: [UInt32], _ checker: inout InvariantChecker) {
    var expected = [UInt32: Int]()
    for record in claims {
      checker.expect(records[record].entry == entry, "a record is in the chain of another entry")
      let session = sessions[records[record].session]
      checker.expect(session.records[entry] == record, "a session does not know its record")
      expected[session.source, default: 0] += 1
    }
    checker.expect(entries[entry].holders.claims == expected, "the holders of an entry are not those of its records")
    checker.defects += entries[entry].holders.defects
    let row = entries[entry].contentRow
    guard sharedHolders[row] == nil else { return }
    checker.expect(
      contents[row].entries.oldest == entry && contents[row].entries.newest == entry,
      "a content under several keys has no holders of its own")
  }

  private func checkRanking(of entry: UInt32, _ checker: inout InvariantChecker) {
    switch keys[entries[entry].key] {
    case .one(let only): checker.expect(only == entry, "a key has another entry")
    case .many(let ranked):
      var (position, previous, isThere) = (ranked.start, Int.max, false)
      while let other = ranked.next(&position) {
        checker.expect(entries[other].holders.count <= previous, "the contents of a key are out of order")
        previous = entries[other].holders.count
        isThere = isThere || other == entry
      }
      checker.expect(isThere && ranked.count > 1, "the contents of a key are not its entries")
    case nil: checker.defects.append("a key is missing")
    }
  }

  private func checkSessions(_ checker: inout InvariantChecker) {
    var (position, previous) = (sourceOrder.start, SourceIdentity?.none)
    var sourceCount = 0
    while let slot = sourceOrder.next(&position) {
      sourceCount += 1
      let source = sources[slot]
      if let previous { checker.expect(previous < source.identity, "the sources are out of order") }
      previous = source.identity
      let members = Array(source.sessions.slots(in: sessions))
      checker.expect(!members.isEmpty, "a source has no session")
      checker.expect(members.last.map { sessions[$0].name } == source.name, "a source has not its newest name")
      checker.expect(
        members.reduce(0) { $0 + sessions[$1].records.count } == source.recordCount, "a source miscounts its records")
      checker.expect(sourceSlots[source.identity] == slot, "a source is not found")
    }
    checker.expect(sourceCount == sources.count, "the order of sources differs from them in number")
    for (id, slot) in sessionSlots { checker.expect(sessions[slot].id == id, "a session is not found") }
  }

  private func checkTables(_ checker: inout InvariantChecker) {
    checker.expect(contentSlots.count == contents.count, "the table of contents is amiss")
    checker.expect(sessionSlots.count == sessions.count, "the table of sessions is amiss")
    checker.expect(sourceSlots.count == sources.count, "the table of sources is amiss")
    for (content, holders) in sharedHolders {
      checker.defects += holders.defects
      var expected = [UInt32: Int]()
      for entry in contents[content].entries.slots(in: entries) {
        for (source, count) in entries[entry].holders.claims { expected[source, default: 0] += count }
      }
      checker.expect(holders.claims == expected, "the holders of a content are not those of its entries")
    }
  }
}

private struct InvariantChecker {
  var defects: [String] = []

  mutating func expect(_ condition: Bool, _ defect: String) {
    if !condition { defects.append(defect) }
  }
}
