// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import TestSupport

/// Carries out the plan on the main thread.
final class FaultInjector {
  /// Maximum free bytes on a full disk.
  private static let maxRest = 200_000
  private static let maxConnections = 64
  private static let controlTimeout = Duration.milliseconds(300)
  private static let finalTimeout = Duration.seconds(10)

  private let torture: Torture
  private var random: SeededGenerator
  /// Pids of stopped processes: each gets its SIGCONT even if the supervisor reports another pid by then.
  private var paused: [Victim: Int32] = [:]
  private var limited: [Int: Int32] = [:]
  private var protected: Set<Int> = []
  private var takenAway: Set<Int> = []
  /// Hostile connections kept open, oldest first.
  private var open: [RawConnection] = []

  private var fleet: Fleet { torture.fleet }

  init(torture: Torture, random: SeededGenerator) {
    self.torture = torture
    self.random = random
  }

  func carryOut(_ change: FaultPlan.Change) {
    switch change {
    case .begin(let fault): torture.record.count(fault.kind, wasDone: begin(fault))
    case .end(let fault): end(fault)
    }
  }

  /// Closes hostile connections and repeats starts: a stopped supervisor may have missed the first request.
  func finish() {
    open = []
    torture.proxy.cancelCorruptions()
    for peer in takenAway.sorted() {
      _ = try? fleet.ask(["op": "start", "name": .string(PeerNames.name(of: peer))], timeout: Self.finalTimeout)
    }
  }

  // MARK: Beginnings

  /// - Returns: whether it was possible.
  private func begin(_ fault: Fault) -> Bool {
    switch fault {
    case .kill(.supervisor): return fleet.kill()
    case .kill(let victim): return signal(victim, SIGKILL)
    case .pause(let victim): return pause(victim)
    case .reset(let route): torture.proxy.reset(route)
    case .stall(let route): torture.proxy.stall(route)
    case .corrupt: torture.proxy.corrupt()
    case .fillDisk: return fillDisk()
    case .readOnly(let peer): return protect(peer)
    case .limitFileSize(let peer): return limit(peer)
    case .hostile(let kind, let target): return attack(kind, target)
    case .restart(let victim): return request("restart", victim)
    case .takeAway(let peer):
      takenAway.insert(peer)
      return request("stop", .peer(peer))
    case .reload: return fleet.reload()
    }
    return true
  }

  private func signal(_ victim: Victim, _ number: CInt) -> Bool {
    guard let pid = fleet.pid(of: victim) else { return false }
    return Glibc.kill(pid, number) == 0
  }

  private func pause(_ victim: Victim) -> Bool {
    guard let pid = fleet.pid(of: victim), Glibc.kill(pid, SIGSTOP) == 0 else { return false }
    paused[victim] = pid
    return true
  }

  private func fillDisk() -> Bool {
    fleet.mayFail = true
    return torture.disk.fill(rest: Int.random(in: 1...Self.maxRest, using: &random))
  }

  private func protect(_ peer: Int) -> Bool {
    guard Disk.protect(torture.paths.downloads(PeerNames.name(of: peer))) else { return false }
    protected.insert(peer)
    return true
  }

  private func limit(_ peer: Int) -> Bool {
    // 4 KiB is below the size of the catalogue, so SQLite fails too; with 1 MB only downloads fail.
    let bytes = random.once(in: 2) ? 4_096 : 1_000_000
    guard let pid = fleet.pid(of: .peer(peer)), FileSizeLimit.set(bytes, of: pid) else { return false }
    limited[peer] = pid
    return true
  }

  private func request(_ operation: String, _ victim: Victim) -> Bool {
    let answer = try? fleet.ask(
      ["op": .string(operation), "name": .string(victim.description)], timeout: Self.controlTimeout)
    // Without an answer in time the request still takes effect.
    return answer?.isOK ?? true
  }

  private func attack(_ kind: HostileBytes.Kind, _ target: HostileTarget) -> Bool {
    let bytes = HostileBytes.make(kind, &random)
    guard let connection = connect(target) else { return false }
    connection.sendWithoutWaiting(bytes)
    if random.once(in: 2) {
      connection.reset()
    } else {
      open.append(connection)
      if open.count > Self.maxConnections { open.removeFirst() }
    }
    return true
  }

  private func connect(_ target: HostileTarget) -> RawConnection? {
    switch target {
    case .supervisor: return try? RawConnection(path: fleet.socket("supervisor"), timeout: Self.controlTimeout)
    case .control(let peer):
      return try? RawConnection(path: fleet.socket(PeerNames.name(of: peer)), timeout: Self.controlTimeout)
    case .index: return connect("index")
    case .uploads(let peer): return connect(PeerNames.name(of: peer))
    }
  }

  private func connect(_ name: String) -> RawConnection? {
    guard let row = fleet.rows(timeout: Self.controlTimeout)?.first(where: { $0.name == name }),
      let endpoint = try? Endpoint(row.address)
    else { return nil }
    return try? RawConnection(to: endpoint, timeout: Self.controlTimeout)
  }

  // MARK: Ends

  private func end(_ fault: Fault) {
    switch fault {
    case .pause(let victim): if let pid = paused.removeValue(forKey: victim) { _ = Glibc.kill(pid, SIGCONT) }
    case .stall(let route): torture.proxy.resume(route)
    case .fillDisk:
      torture.disk.empty()
      fleet.mayFail = false
    case .readOnly(let peer):
      if protected.remove(peer) != nil { Disk.unprotect(torture.paths.downloads(PeerNames.name(of: peer))) }
    case .limitFileSize(let peer):
      // A process started since has no limit.
      if let pid = limited.removeValue(forKey: peer), ProcessTable.parent(of: pid) != nil {
        _ = FileSizeLimit.set(nil, of: pid)
      }
    case .takeAway(let peer): _ = request("start", .peer(peer))
    case .kill, .reset, .corrupt, .hostile, .restart, .reload: break
    }
  }
}
