// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Testing
import Torture

@Suite struct LedgerTests {
  private let first = MerkleRoot.content(of: [1]) ?? .empty
  private let second = MerkleRoot.content(of: [2]) ?? .empty
  private let third = MerkleRoot.content(of: [3]) ?? .empty

  private func rules(_ ledger: Ledger, isSettled: Bool = true) -> [String: Ledger.Expectation.Rule] {
    Dictionary(uniqueKeysWithValues: ledger.expectations(isSettled: isSettled).map { ($0.path, $0.rule) })
  }

  @Test func `acknowledgement is expected`() {
    var ledger = Ledger()
    ledger.shared("file/x", first, path: "/x", isOwn: true)
    #expect(rules(ledger, isSettled: false) == ["/x": .shared(first)])
    ledger.removed("file/x")
    #expect(rules(ledger) == ["/x": .notShared])
  }

  @Test func `lost answer expects nothing`() {
    var ledger = Ledger()
    ledger.shared("file/x", first, path: "/x", isOwn: true)
    ledger.lost("file/x")
    #expect(rules(ledger).isEmpty)
    ledger.shared("file/x", first, path: "/x", isOwn: true)
    ledger.lost("file/x", path: "/y", isOwn: false)
    #expect(rules(ledger).isEmpty)
  }

  @Test func `removed stays removed after a lost answer`() {
    var ledger = Ledger()
    ledger.shared("file/x", first, path: "/x", isOwn: true)
    ledger.removed("file/x")
    ledger.lost("file/x", path: "/y", isOwn: false)
    #expect(rules(ledger) == ["/x": .notShared])
  }

  @Test func `changed file counts once settled`() {
    var ledger = Ledger()
    ledger.shared("file/own", first, path: "/own", isOwn: true)
    ledger.shared("file/fetched", first, path: "/fetched", isOwn: false)
    ledger.shared("file/gone", first, path: "/gone", isOwn: true)
    ledger.fileChanged("/own", to: second)
    ledger.fileChanged("/fetched", to: second)
    ledger.fileChanged("/gone", to: nil)
    #expect(rules(ledger, isSettled: false).isEmpty)
    #expect(rules(ledger) == ["/own": .shared(second), "/fetched": .notShared, "/gone": .notShared])
  }

  @Test func `returned file expects nothing`() {
    var ledger = Ledger()
    ledger.shared("file/x", first, path: "/x", isOwn: true)
    ledger.fileChanged("/x", to: nil)
    ledger.fileChanged("/x", to: second)
    #expect(rules(ledger).isEmpty)
  }

  @Test func `document has the path added last`() {
    var ledger = Ledger()
    ledger.shared("file/x", first, path: "/x", isOwn: true)
    ledger.shared("file/x", first, path: "/y", isOwn: true)
    #expect(rules(ledger) == ["/y": .shared(first)])
    ledger.shared("file/x", second, path: "/z", isOwn: true)
    #expect(rules(ledger) == ["/y": .shared(first), "/z": .shared(second)])
    ledger.fileChanged("/z", to: first)
    #expect(rules(ledger) == ["/z": .shared(first)])
  }

  @Test func `fetched copy does not replace the original`() {
    var ledger = Ledger()
    ledger.shared("file/x", first, path: "/x", isOwn: true)
    ledger.shared("file/x", first, path: "/copy", isOwn: false)
    #expect(rules(ledger) == ["/x": .shared(first)])
    ledger.fileChanged("/x", to: nil)
    ledger.shared("file/x", first, path: "/another", isOwn: false)
    // Which copy is shared depends on whether the peer noticed that the original is gone.
    #expect(rules(ledger).isEmpty)
  }

  @Test func `changed original equal to the fetched copy may stay`() {
    var ledger = Ledger()
    ledger.shared("file/x", first, path: "/x", isOwn: true)
    ledger.fileChanged("/x", to: second)
    ledger.shared("file/x", second, path: "/copy", isOwn: false)
    #expect(rules(ledger).isEmpty)
  }

  @Test func `original that had the fetched content meanwhile expects nothing`() {
    var ledger = Ledger()
    ledger.shared("file/x", first, path: "/x", isOwn: true)
    ledger.fileChanged("/x", to: second)
    ledger.fileChanged("/x", to: third)
    ledger.shared("file/x", second, path: "/copy", isOwn: false)
    // If the peer had shared the second content, the copy took its place, and the third is not shared at all.
    #expect(rules(ledger) == ["/copy": .shared(second)])
  }

  @Test func `contradictions name key and path`() {
    var ledger = Ledger()
    ledger.shared("file/x", first, path: "/x", isOwn: true)
    ledger.shared("file/y", first, path: "/y", isOwn: true)
    ledger.removed("file/y")
    let right = CatalogueRow(key: "file/x", path: "/x", content: first, isShared: true)
    #expect(ledger.contradictions([right], isSettled: true).isEmpty)
    let wrong = [
      CatalogueRow(key: "file/x", path: "/x", content: second, isShared: true),
      CatalogueRow(key: "file/y", path: "/y", content: first, isShared: true),
    ]
    let found = ledger.contradictions(wrong, isSettled: true)
    #expect(found.count == 2)
    #expect(found.first?.contains("file/x") == true && found.last?.contains("file/y") == true)
    #expect(ledger.contradictions([], isSettled: true).count == 1)
  }
}
