// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import TestSupport
import Testing
import WireProtocol

/// alice, who shares a tree below `data/t/`, and bob.
struct PrefixScene {
  let fixture: DaemonFixture
  let alice: Peer
  let bob: Peer
  /// By path below the tree.
  let files: [String: [UInt8]]

  var target: String { fixture.directory.file("out") }

  func get(
    _ selection: GetDocuments.Selection = .prefix("data/t/"), _ change: (inout GetDocuments) -> Void = { _ in }
  ) async throws -> (reply: ControlGetAllReply, results: [String: DocumentResult]) {
    var request = GetDocuments(selection, directory: target)
    request.results = true
    change(&request)
    let answer = try await bob.ask(.getAll(request))
    let results = answer.events.compactMap { event in if case .result(let result) = event { result } else { nil } }
    let json = try #require(answer.reply)
    return (
      try ControlGetAllReply(json),
      Dictionary(results.map { ($0.key.text, $0) }, uniquingKeysWith: { first, _ in first })
    )
  }

  func read(_ path: String) -> [UInt8]? { TemporaryDirectory.read("\(target)/\(path)") }

  var isComplete: Bool { files.allSatisfy { read($0.key) == $0.value } }

  static func with(_ body: (PrefixScene) async throws -> Void) async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withIndex { _ in
        try await fixture.withPeer("alice") { alice in
          var files: [String: [UInt8]] = [:]
          var random = SeededGenerator(seed: 5)
          for number in 0..<40 { files["d\(number % 3)/f\(number)"] = random.bytes(100 * number) }
          files["one-piece"] = random.bytes(262_144)
          files["large"] = random.bytes(700_000)
          files["a/b/c/deep"] = [7]
          for (path, bytes) in files {
            let file = URL(filePath: fixture.directory.file("source/t/\(path)"))
            try FileManager.default.createDirectory(
              at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file)
          }
          _ = try await alice.add([fixture.directory.file("source/t")], recursive: true, key: "data/t/")
          try await fixture.withPeer("bob") { bob in
            try await body(PrefixScene(fixture: fixture, alice: alice, bob: bob, files: files))
          }
        }
      }
    }
  }
}
