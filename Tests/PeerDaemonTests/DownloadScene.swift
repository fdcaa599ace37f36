// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import NIOCore
import PeerDaemon
import Synchronization
import TestSupport
import WireProtocol

/// Copies from a file of this process instead of the network, as far as it is allowed to.
final class ScriptedFetch: Sendable {
  enum Behaviour {
    case copy
    /// Copies this many pieces, then waits for another behaviour.
    case hold(pieces: Int)
    /// Copies a file of one piece and nothing of others.
    case holdLarge
    case noSource
    case wrongBytes
    case storage
  }

  private struct State {
    var behaviour: Behaviour
    var calls = 0
    var running = 0
    var mostRunning = 0
    var found: [Int] = []
    var sizes: [Int64] = []
    var from: [PeerID?] = []
  }

  let name: PeerName
  let source: String
  let catalogue: Catalogue
  private let state: Mutex<State>

  init(_ behaviour: Behaviour, _ source: String, _ catalogue: Catalogue) throws {
    name = try PeerName("alice")
    self.source = source
    self.catalogue = catalogue
    state = Mutex(State(behaviour: behaviour))
  }

  var calls: Int { state.withLock { $0.calls } }
  var running: Int { state.withLock { $0.running } }
  var mostRunning: Int { state.withLock { $0.mostRunning } }
  /// Pieces that the file had at the start of each call.
  var found: [Int] { state.withLock { $0.found } }
  /// Sizes of the contents, in the order of the calls.
  var sizes: [Int64] { state.withLock { $0.sizes } }
  var from: [PeerID?] { state.withLock { $0.from } }

  func become(_ behaviour: Behaviour) {
    state.withLock { $0.behaviour = behaviour }
  }

  var fetch: FetchContent {
    { file, _, choice, transfer, _, gained in
      self.state.withLock { state in
        state.calls += 1
        state.running += 1
        state.mostRunning = max(state.mostRunning, state.running)
        state.found.append(file.pieces.population)
        state.sizes.append(file.content.size)
        state.from.append(choice.peer)
      }
      defer { self.state.withLock { $0.running -= 1 } }
      return await self.run(file, choice, transfer, gained)
    }
  }

  private func run(
    _ file: PieceFile, _ choice: SourceChoice, _ transfer: TransferHandle, _ gained: @Sendable () -> Void
  ) async -> FetchOutcome {
    var failures = SourceFailures()
    let holder = Holder(
      peer: Swarm.id("alice"), name: name, host: "127.0.0.1", port: 1, complete: true)
    while true {
      switch state.withLock({ $0.behaviour }) {
      case .copy:
        copy(.max, file, transfer)
        gained()
        return FetchOutcome(.complete, received: file.content.size)
      case .hold(let pieces):
        copy(pieces, file, transfer)
        guard (try? await Task.sleep(for: .milliseconds(2))) != nil else {
          return FetchOutcome(.cancelled, received: 0)
        }
      case .holdLarge where file.content.geometry.pieceCount <= 1:
        copy(.max, file, transfer)
        return FetchOutcome(.complete, received: file.content.size)
      case .holdLarge:
        guard (try? await Task.sleep(for: .milliseconds(2))) != nil else {
          return FetchOutcome(.cancelled, received: 0)
        }
      case .noSource:
        failures.note(holder, .silent)
        return FetchOutcome(.noSource(failures, holders: 1), received: 0)
      case .wrongBytes:
        failures.note(holder, .wrongBytes("block 0"))
        transfer.dropped(.init(peer: holder.peer, name: "alice", host: "127.0.0.1"), "sent wrong bytes: block 0")
        return FetchOutcome(.wrongBytes(failures), received: 0)
      case .storage:
        return FetchOutcome(.storage(StoreError(.noSpace, "/x", "is full")), received: 0)
      }
    }
  }

  private func copy(_ limit: Int, _ file: PieceFile, _ transfer: TransferHandle) {
    let before = file.pieces.population
    _ = try? LocalCopy(from: source, into: file, catalogue: catalogue).run { file.pieces.population >= limit }
    let gained = Int64(file.pieces.population - before) * file.content.geometry.pieceLength
    transfer.progress(
      min(gained, file.content.size), from: .init(peer: Swarm.id("alice"), name: "alice", host: "127.0.0.1"))
  }
}

/// alice, who shares, and bob, who fetches.
struct DownloadScene {
  let swarm: Swarm
  let alice: Member
  let bob: Member
  let fetch: ScriptedFetch
  let bytes: [UInt8]
  let document: Document

  func target(_ name: String = "target") -> String { swarm.directory.file(name) }
  func request(_ name: String = "target", isShared: Bool = true, rejoins job: Int64? = nil) -> DownloadRequest {
    var request = DownloadRequest(key: document.key, destination: .path(target(name)), isShared: isShared)
    request.rejoins = job.map { .init(job: $0, received: 0) }
    return request
  }
  func read(_ name: String = "target") -> [UInt8]? { TemporaryDirectory.read(target(name)) }
  var rows: [RunningTransfer] { bob.transfers.snapshot().filter { $0.direction == .download } }
  func state(_ state: String) async -> Bool { await eventually { rows.map(\.state) == [state] } }
  func hidden() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: swarm.directory.path)) ?? []
    return names.filter { $0.hasPrefix(".") }
  }

  static func with(
    _ behaviour: ScriptedFetch.Behaviour, size: Int = 1_000_000, _ body: (DownloadScene) async throws -> Void
  ) async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let bytes = pattern(size)
      let path = try swarm.directory.write("source", bytes)
      let document = try await alice.share(path, as: "file/x")
      let fetch = try ScriptedFetch(behaviour, path, alice.catalogue)
      let bob = try await swarm.peer("bob", fetch: fetch.fetch)
      try await body(
        DownloadScene(swarm: swarm, alice: alice, bob: bob, fetch: fetch, bytes: bytes, document: document))
    }
  }
}
