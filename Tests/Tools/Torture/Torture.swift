// SPDX-License-Identifier: Apache-2.0

import CProcess
import Dispatch
import DocumentModel
import Glibc
import Synchronization
import TestSupport

/// One run: workload and faults, then the checks.
final class Torture {
  struct Options {
    let seconds: Int
    let seed: UInt64
    let isClosed: Bool
    let isCalm: Bool
    /// In milliseconds.
    let pause: Int
    let samples: String?
    let keep: String
    let executables: String
    let scratch: String
  }

  private static let workersPerPeer = 2
  private static let startTimeout = Duration.seconds(60)
  private static let warmUp = Duration.seconds(3)
  /// The longest wait of a worker for an answer.
  private static let endTimeout = Duration.seconds(120)
  private static let poolSize = 4 << 20

  let options: Options
  let record = RunRecord()
  let paths: Paths
  let disk: Disk
  let proxy: Proxy
  let fleet: Fleet
  let sampler: Sampler
  private let signals: CInt
  private let permit = WorkPermit()
  private(set) var workers: [Worker] = []
  private let working = DispatchGroup()

  /// Call it from the main thread before any other exists.
  init(_ options: Options) throws {
    self.options = options
    let numbers = [SIGINT, SIGTERM, SIGHUP]
    signals = signals_open(numbers, numbers.count)
    guard signals >= 0 else { throw TortureFailure("signalfd: \(-signals)") }
    signal(SIGPIPE, SIG_IGN)
    paths = try Paths(scratch: options.scratch)
    disk = Disk(path: paths.disk)
    try paths.make(logsApart: disk.isOwn)
    if options.isClosed { try paths.configure("[network]\nopen = false\n") }
    proxy = try Proxy()
    fleet = Fleet(
      home: paths.home, executables: options.executables, peers: PeerNames.all, index: proxy.endpoint,
      log: paths.logs + "/stderr", record: record)
    sampler = Sampler(path: options.samples, interval: options.seconds < 600 ? 10 : 60)
  }

  // MARK: The run

  /// - Returns: the exit status.
  func run() throws -> CInt {
    let missing = missingFaults
    Terminal.say(
      "\(options.isCalm ? "calm run" : "faults") for \(options.seconds) s with seed \(options.seed)"
        + (options.isClosed ? " in a closed network" : "")
        + (missing.isEmpty || options.isCalm
          ? "" : "; NOT POSSIBLE here: \(missing.map(\.rawValue).sorted().joined(separator: ", "))"))
    defer { proxy.end() }
    var checks: [CheckResult] = []
    do {
      try start()
      checks = try work(missing)
    } catch is Interruption {
      endWork()
      _ = fleet.stop()
      Terminal.say("interrupted")
      return 130
    } catch {
      endWork()
      _ = fleet.stop()
      record.find("the run cannot continue: \(error)")
    }
    return report(checks, missing: missing)
  }

  private var missingFaults: Set<Fault.Kind> {
    var missing: Set<Fault.Kind> = []
    if !disk.isOwn { missing.insert(.fillDisk) }
    if !Disk.canProtect { missing.insert(.readOnly) }
    // Their connections are encrypted.
    if options.isClosed { missing.insert(.corrupt) }
    if access(FileSizeLimit.program, X_OK) != 0 { missing.insert(.limitFileSize) }
    return missing
  }

  private func work(_ missing: Set<Fault.Kind>) throws -> [CheckResult] {
    try beginWork()
    try pass(Self.warmUp)
    sampler.baseline(fleet.rows())
    let plan = FaultPlan(
      seed: options.seed, duration: options.seconds * 1_000, peers: fleet.peers.count,
      mix: options.isCalm ? .calm : .storm(without: missing))
    try follow(plan)
    endWork()
    return try FinalChecks(torture: self).run()
  }

  private func follow(_ plan: FaultPlan) throws {
    let injector = FaultInjector(torture: self, random: SeededGenerator(seed: options.seed).branch(1))
    let start = ContinuousClock.now
    for event in plan.events {
      try pass(until: start + .milliseconds(event.at))
      injector.carryOut(event.change)
    }
    try pass(until: start + .seconds(options.seconds))
    injector.finish()
  }

  // MARK: Time

  struct Interruption: Error {}

  func pass(_ duration: Duration) throws { try pass(until: .now + duration) }

  /// Waits until `deadline`. Meanwhile keeps the supervisor running, follows the address of the index, and samples.
  func pass(until deadline: ContinuousClock.Instant) throws {
    repeat {
      try maintain()
      var waiting = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
      let left = max(0, (deadline - .now).seconds)
      _ = poll(&waiting, 1, CInt(min(20, left * 1_000 + 1)))
      if waiting.revents != 0 {
        _ = signals_next(signals)
        throw Interruption()
      }
    } while ContinuousClock.now < deadline
  }

  /// - Returns: false if the condition is still false after `timeout`.
  func wait(_ timeout: Duration, until condition: () -> Bool) throws -> Bool {
    let deadline = ContinuousClock.now + timeout
    while !condition() {
      guard ContinuousClock.now < deadline else { return false }
      try pass(.milliseconds(50))
    }
    return true
  }

  private func maintain() throws {
    try fleet.keepRunning()
    if nextLook <= .now {
      nextLook = .now + .milliseconds(500)
      look()
    }
  }

  private var nextLook = ContinuousClock.now

  /// A new supervisor gives its index a new port.
  private func look() {
    guard let rows = fleet.rows(timeout: .milliseconds(200)) else { return }
    if let address = rows.first(where: { $0.name == "index" })?.address, let endpoint = try? Endpoint(address) {
      proxy.setIndex(endpoint)
    }
    sampler.sample(rows, operations: record.operations)
  }

  // MARK: Work

  private func start() throws {
    try fleet.keepRunning()
    guard try wait(Self.startTimeout, until: { fleet.isReady }) else {
      throw TortureFailure("the system is not ready after \(Self.startTimeout)")
    }
    look()
  }

  private func beginWork() throws {
    var random = SeededGenerator(seed: options.seed).branch(2)
    let pool = (0..<(Self.poolSize / 8)).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
    for peer in fleet.peers.indices {
      for number in 0..<Self.workersPerPeer {
        let name = "\(fleet.peers[peer])-\(number)"
        let worker = Worker(
          peer: peer, number: number, socket: fleet.socket(fleet.peers[peer]),
          downloads: paths.downloads(fleet.peers[peer]),
          documents: try Documents(
            directory: "\(paths.documents)/\(name)", peer: peer, worker: number, pool: pool),
          record: record,
          journal: Journal(
            path: options.isCalm ? nil : "\(paths.logs)/journal-\(name)", start: record.start),
          random: random.branch(UInt64(100 + workers.count)))
        workers.append(worker)
      }
    }
    for worker in workers { begin(worker) }
  }

  private func begin(_ worker: Worker) {
    // Each worker belongs to one thread. The main thread reads it after that thread has ended.
    nonisolated(unsafe) let worker = worker
    let pause = options.pause
    DispatchQueue(label: worker.name).async(group: working) { [permit] in
      worker.run(pause: pause) { permit.isRevoked }
    }
  }

  private func endWork() {
    permit.revoke()
    let hasEnded = try? wait(Self.endTimeout) { working.wait(timeout: .now()) == .success }
    if hasEnded == false { record.find("a worker still waits for an answer") }
  }

  // MARK: The end

  private func report(_ checks: [CheckResult], missing: Set<Fault.Kind>) -> CInt {
    let hasFailed = !record.findings.isEmpty || checks.contains { !$0.isGood }
    print(
      Summary(record: record, checks: checks, missing: options.isCalm ? [] : missing, usage: sampler.summary()).text)
    guard hasFailed else {
      Terminal.say("no fault found with seed \(options.seed)")
      return 0
    }
    let place = "\(options.keep)/seed-\(options.seed)-\(getpid())"
    paths.keepEvidence(in: place, findings: record.findings)
    Terminal.say("logs: \(place)")
    Terminal.say("repeat: bin/torture\(options.isCalm ? " --calm" : "") \(options.seconds) \(options.seed)")
    return 1
  }
}

/// Permission for workers to start another operation.
final class WorkPermit: Sendable {
  private let isValid = Atomic(true)

  var isRevoked: Bool { !isValid.load(ordering: .relaxed) }

  func revoke() { isValid.store(false, ordering: .relaxed) }
}
