// SPDX-License-Identifier: Apache-2.0

import LineJSON
import TestSupport
import Testing
import WireProtocol

/// Every message of every plane, read and written by both back ends.
@Suite struct MessageTests {
  typealias Outcome = MessageCase.Outcome

  @Test(arguments: MessageTable.all)
  func `both back ends read a message and write the same line`(_ message: MessageCase) throws {
    #expect(try message.strict(message.line) == .read(message.line))
    #expect(try message.jansson(message.line) == .read(message.line))
  }

  @Test(arguments: MessageTable.all)
  func `members may come in any order`(_ message: MessageCase) throws {
    let members = try members(message.line)
    let reversed = JSONMembers(members.reversed().map { ($0.key, $0.value) })
    try expect(message, .object(reversed), .read(message.line))
  }

  @Test(arguments: MessageTable.all)
  func `unknown members are ignored`(_ message: MessageCase) throws {
    let known = try members(message.line).map { ($0.key, $0.value) }
    let unknown: [(String, JSONValue)] = [("future", ["x": [1, nil, ["deep": true]]]), ("", 1), ("Key", "rfc/1")]
    try expect(message, .object(JSONMembers(unknown + known)), .read(message.line))
    try expect(message, .object(JSONMembers(known + unknown)), .read(message.line))
  }

  /// Messages for members of which exactly one is required.
  private static let alternatives = [
    "lookup takes key, or content and size", "revoke takes peer or ticket", "content is 64 lower-case hex digits",
    "one of job, key and all selects downloads",
    "one of path and directory is an absolute path", "between goes with down or up",
    "one of prefix and keys says what to fetch",
    // A row of a list without a prefix is a document.
    "key is missing",
    // A have event states pieces or that the holder is complete.
    "pieces is missing",
  ]

  @Test(arguments: MessageTable.all)
  func `a missing member is named`(_ message: MessageCase) throws {
    let whole = try members(message.line)
    for name in whole.map(\.key) {
      var members = whole
      members[name] = nil
      let outcome = try agreed(message, .object(members))
      switch outcome {
      case .read: #expect(message.optional.contains(name), "\(name) is needed")
      case .refused(let code, let reason):
        #expect(!message.optional.contains(name), "\(name) may be missing: \(reason)")
        #expect(code == .badRequest && ([name + " is missing"] + Self.alternatives).contains(reason), "\(reason)")
      }
    }
  }

  /// Removes each member at any depth in turn.
  @Test(arguments: MessageTable.all)
  func `a member that is missing deep inside is named`(_ message: MessageCase) throws {
    for (name, json) in Self.without(.object(try members(message.line)), depth: 0) {
      switch try agreed(message, json) {
      case .read: continue
      case .refused(_, let reason):
        #expect(reason == "\(name) is missing" || Self.alternatives.contains(reason), "\(name): \(reason)")
      }
    }
  }

  /// The value without one of its members that lie deeper than the first level, in every way.
  private static func without(_ json: JSONValue, depth: Int) -> [(name: String, json: JSONValue)] {
    switch json {
    case .object(let members):
      return members.flatMap { member -> [(name: String, json: JSONValue)] in
        var shorter = members
        shorter[member.key] = nil
        let here = depth == 0 ? [] : [(name: member.key, json: JSONValue.object(shorter))]
        return here
          + without(member.value, depth: depth + 1).map { name, value in
            var changed = members
            changed[member.key] = value
            return (name, .object(changed))
          }
      }
    case .array(let elements):
      return elements.indices.flatMap { index in
        without(elements[index], depth: depth + 1).map { name, value in
          var changed = elements
          changed[index] = value
          return (name, .array(changed))
        }
      }
    default: return []
    }
  }

  private static let values: [JSONValue] = [
    "", "text", "rfc/1", "/path", "hello", 0, -1, 1, 3, 70_000, 9_007_199_254_740_991, 9_007_199_254_740_992,
    .integer(.max),
    .integer(.min), 0.0, 1.0, -0.5, 1e300, true, false, [], [1], ["x"], [[:]], [:], ["x": 1],
    .string(Sample.root), .string(Sample.root.uppercased()), .string("e\u{301}"), .string("\u{202E}"),
  ]

  @Test(arguments: MessageTable.all)
  func `both back ends refuse a wrong value in the same words`(_ message: MessageCase) throws {
    let whole = try members(message.line)
    for name in whole.map(\.key) {
      for value in Self.values {
        var members = whole
        members[name] = value
        _ = try agreed(message, .object(members))
      }
    }
  }

  @Test(arguments: MessageTable.all)
  func `a wrong type of a member is refused by its name`(_ message: MessageCase) throws {
    let whole = try members(message.line)
    // A message does not refuse members that it does not read.
    let unread: Set = ["protocol", "status"]
    for (name, value) in whole.map({ ($0.key, $0.value) }) where !unread.contains(name) {
      var members = whole
      members[name] = value.string == nil ? "text" : 5
      guard case .refused(_, let reason) = try agreed(message, .object(members)) else {
        // A failure may have an unreadable id.
        #expect(name == "id")
        continue
      }
      #expect(reason.hasPrefix(name) || Self.alternatives.contains(reason), "\(name): \(reason)")
    }
  }

  /// Damages messages at random and compares the back ends.
  @Test(arguments: 1...8)
  func `both back ends agree on damaged messages`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var refused = 0
    for _ in 0..<500 {
      guard let message = MessageTable.all.randomElement(using: &generator) else { return }
      var json = JSONValue.object(try members(message.line))
      for _ in 0..<Int.random(in: 1...3, using: &generator) { json = Self.damaged(json, using: &generator) }
      guard case .object = json else { continue }
      if case .refused = try agreed(message, json) { refused += 1 }
    }
    #expect(refused > 100, "too few messages were damaged")
  }

  private static func damaged(_ json: JSONValue, using generator: inout SeededGenerator) -> JSONValue {
    switch json {
    case .object(var members):
      guard let member = members.randomElement(using: &generator) else { return json }
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: members[member.key] = nil
      case 1: members[member.key] = values.randomElement(using: &generator)
      case 2:
        members[member.key] = nil
        members[member.key + "s"] = member.value
      default: members[member.key] = damaged(member.value, using: &generator)
      }
      return .object(members)
    case .array(var elements):
      guard let index = elements.indices.randomElement(using: &generator) else { return [1] }
      elements[index] = damaged(elements[index], using: &generator)
      return .array(elements)
    case .string(let text): return .string(String(text.dropLast()) + "Z")
    case .integer(let number): return .integer(number &- 3)
    default: return values.randomElement(using: &generator) ?? 0
    }
  }

  // MARK: Both back ends

  private func agreed(_ message: MessageCase, _ json: JSONValue) throws -> Outcome {
    let text = try line(json)
    let (strict, jansson) = (try message.strict(text), try message.jansson(text))
    // The writers may use different digits for a real; nothing else may differ.
    if case .read(let left) = strict, case .read(let right) = jansson {
      #expect(try members(left) == members(right), "\(text)")
    } else {
      #expect(strict == jansson, "\(text)")
    }
    return strict
  }

  private func expect(_ message: MessageCase, _ json: JSONValue, _ outcome: Outcome) throws {
    #expect(try agreed(message, json) == outcome)
  }

  // MARK: The table is whole

  @Test func `the table holds every operation of every plane`() throws {
    func operations(_ cases: [MessageCase]) throws -> Set<String> {
      Set(try cases.compactMap { try members($0.line)["op"]?.string })
    }
    #expect(try operations(MessageTable.indexRequests) == Set(IndexOperation.allCases.map(\.rawValue)))
    #expect(try operations(MessageTable.peerRequests) == Set(PeerOperation.allCases.map(\.rawValue)))
    #expect(try operations(MessageTable.controlRequests) == Set(ControlOperation.allCases.map(\.rawValue)))
    #expect(try operations(MessageTable.supervisor) == Set(SupervisorOperation.allCases.map(\.rawValue)))
  }
}
