// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import Testing

/// The search for one who may bring a document into the network.
@Suite struct IntroductionTests {
  private let index = DocumentIndex()
  private static let seeders = 1000
  private static let publisher = UInt64(seeders + 1)

  private func documentID() throws -> DocumentID {
    DocumentID(key: try DocumentKey("rfc/1"), content: try Sample.content(0))
  }

  /// Seeders hold the document, then its publisher.
  private func fill() throws {
    for session in 1...Self.publisher {
      try index.open(session)
      index.add([try Sample.document("rfc/1", title: "title \(session)")], by: SessionID(session))
    }
  }

  private struct Search {
    var result: Introduction
    /// The holders that were looked at in each part.
    var parts: [Int] = []
    /// Each part begins with the last one of the part before.
    var total: Int { parts.reduce(1) { $0 + $1 - 1 } }
  }

  /// - Parameter between: called after each part with where it goes on.
  private func search(
    for session: UInt64, looks: Int, introduces: Int? = Int(publisher), between: (SessionID) throws -> Void = { _ in }
  ) throws -> Search {
    var search = Search(result: .missing)
    var (next, isOver): (SessionID?, Bool) = (nil, false)
    repeat {
      var (left, asked) = (looks, 0)
      search.result = index.introduction(of: try documentID(), for: SessionID(session), from: next, looks: &left) {
        asked += 1
        return $0 == introduces.map(Sample.peer)
      }
      #expect(asked <= looks - left && left >= 0)
      search.parts.append(asked)
      if case .unfinished(let session) = search.result {
        next = session
        if let session { try between(session) }
      } else {
        isOver = true
      }
    } while !isOver && search.parts.count < 1000
    return search
  }

  private func title(_ introduction: Introduction) -> String? {
    if case .found(let description) = introduction { description.title.text } else { nil }
  }

  @Test func `the publisher is found behind many seeders, in parts of bounded work`() throws {
    try fill()
    let search = try search(for: 5000, looks: 64)
    #expect(title(search.result) == "title \(Self.publisher)")
    #expect(search.total == Self.seeders + 1 && search.parts.max() == 64)
  }

  @Test func `without a publisher each holder is looked at once`() throws {
    try fill()
    let other = try search(for: 5000, looks: 100, introduces: nil)
    #expect(other.result == .missing && other.total == Self.seeders + 1)
    let own = try search(for: 7, looks: 100, introduces: nil)
    #expect(title(own.result) == "title 7", "what the session itself has said")
  }

  @Test func `holders that go meanwhile hide no publisher`() throws {
    try fill()
    var gone = 0
    let search = try search(for: 5000, looks: 100) { next in
      // The one with which it goes on, twice.
      guard gone < 2 else { return }
      gone += 1
      if gone == 1 { index.close(next) } else { index.remove([try documentID()], by: next) }
    }
    #expect(title(search.result) == "title \(Self.publisher)" && search.parts.allSatisfy { $0 <= 100 })
  }

  @Test func `what closed sessions leave is looked at within the bound`() throws {
    try fill()
    for session in 1...UInt64(Self.seeders) { index.close(SessionID(session)) }
    var looks = 64
    let introduction = index.introduction(of: try documentID(), for: SessionID(5000), looks: &looks) { _ in false }
    guard case .unfinished = introduction else { return #expect(Bool(false), "\(introduction)") }
    #expect(looks == 0)
  }
}
