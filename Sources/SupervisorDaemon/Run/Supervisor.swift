// SPDX-License-Identifier: Apache-2.0

import CProcess
import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupervision
import ProcessSupport
import SystemPackage
import WireProtocol

/// The loop that starts, watches and stops all children and answers front ends: poll(2) on the main thread. `Fleet` and
/// `ControlSession` decide; this carries out their decisions.
final class Supervisor {
  enum Source {
    case signals
    case control
    case client(Int)
    case process(String)
    case channel(String)
    case output(String)
    case outage(FileDescriptor, notice: OutageNotice)
    case closing
    case directories
  }

  var children: [String: SupervisedChild]
  let log: SupervisorLog
  var fleet: Fleet
  var clients = ControlClients()
  private var outages = OutageResponder()
  /// For the sockets of children that are down, and for front ends.
  private var acceptor = Acceptor()
  private var controlAcceptor = Acceptor()
  private var reserve = DescriptorReserve()
  var states = StateTimes()
  private var own: OwnPeers
  private var repeated = RepeatedMessages()
  let startedAt = WallClock.now
  /// Whether orphans may have ended.
  private var hasOrphans = false

  var resources: SupervisorResources
  let watch = DirectoryWatch()
  var socketUpkeep = SocketUpkeep(now: .now)
  let options: SupervisorOptions
  var plan: RunPlan
  private let signals: FileDescriptor
  let limits = Supervisor.descriptorLimit()
  private let manager: ServiceManager?
  private var notice = ServiceNotice(now: .now)

  init(
    resources: consuming SupervisorResources, options: SupervisorOptions, signals: FileDescriptor, log: SupervisorLog
  ) {
    let blueprints = resources.blueprints
    self.resources = resources
    self.signals = signals
    self.log = log
    self.options = options
    plan = options.plan
    manager = options.notifySocket.flatMap { ServiceManager(socket: $0) }
    fleet = Fleet(policy: options.plan.policy)
    own = OwnPeers(hasIndex: blueprints.contains { $0.settings.role == .index })
    children = Dictionary(blueprints.map { ($0.name, SupervisedChild($0)) }) { first, _ in first }
    let now = SuspendingClock.now
    for blueprint in blueprints {
      fleet.add(blueprint.name, role: blueprint.settings.role == .index ? .index : .peer, now: now)
    }
  }

  /// As many descriptors as the system allows: an index needs one for each peer.
  private static func descriptorLimit() -> [ProcessSpecification.Limit] {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return [] }
    return [.init(resource: Int32(RLIMIT_NOFILE.rawValue), soft: UInt64(limit.rlim_max), hard: UInt64(limit.rlim_max))]
  }

  // MARK: The loop

  /// Returns when everything has ended.
  func run() {
    watch.add(controlDirectories)
    perform(fleet.begin(now: .now))
    logStateChanges()
    notify()
    while !fleet.hasEnded { turn() }
    logStateChanges()
    finish()
  }

  private func turn() {
    let now = SuspendingClock.now
    var set = PollSet<Source>()
    gather(into: &set, now: now)
    let events = set.wait(timeout: PollTimeout.milliseconds(until: deadline(now: now), now: now))
    for event in events { handle(event) }
    outages.closeExpired(now: .now)
    clients.closeExpired(now: .now)
    perform(fleet.timePassed(now: .now) { MachinePressure.starves(process: children[$0]?.process?.pid) })
    forgetRetired()
    if socketUpkeep.isDue(now: .now) { keepSockets(now: .now) }
    logStateChanges()
    notify()
    answerWaiting()
    if hasOrphans { reapOrphans() }
    reserve.refill()
  }

  private func notify() {
    guard let manager, let message = notice.next(for: fleet, now: .now) else { return }
    manager.send(message)
  }

  private func gather(into set: inout PollSet<Source>, now: SuspendingClock.Instant) {
    set.add(signals.rawValue, as: .signals)
    if !controlAcceptor.isPaused(now: now) { set.add(resources.control.descriptor.rawValue, as: .control) }
    if let descriptor = watch.descriptor { set.add(descriptor.rawValue, as: .directories) }
    clients.gather(into: &set)
    for (name, child) in children {
      if let run = child.process {
        set.add(run.pidfd, as: .process(name))
        if run.channelWantsInput { set.add(run.channel, writing: run.channelWantsOutput, as: .channel(name)) }
        if let output = run.output { set.add(output.rawValue, as: .output(name)) }
      }
    }
    gatherOutages(into: &set, now: now)
  }

  /// While a child is down for long, the supervisor answers on its sockets.
  private func gatherOutages(into set: inout PollSet<Source>, now: SuspendingClock.Instant) {
    for descriptor in outages.descriptors { set.add(descriptor, as: .closing) }
    guard !acceptor.isPaused(now: now) else { return }
    for member in fleet.members {
      guard let child = children[member.name] else { continue }
      let prefix = options.layout.kind == .system ? "sudo " : ""
      guard let notice = OutageNotice(for: member, reason: child.reason, prefix: prefix, now: now) else { continue }
      for listener in child.blueprint.listeners {
        set.add(listener.socket.descriptor.rawValue, as: .outage(listener.socket.descriptor, notice: notice))
      }
    }
  }

  private func deadline(now: SuspendingClock.Instant) -> SuspendingClock.Instant? {
    let readiness = manager == nil ? nil : notice.deadline
    let deadlines = [
      fleet.deadline, outages.deadline, clients.deadline, acceptor.deadline(now: now),
      controlAcceptor.deadline(now: now), readiness,
    ]
    return (deadlines.compactMap { $0 } + [socketUpkeep.deadline]).min()
  }

  private func handle(_ event: PollSet<Source>.Event) {
    switch event.source {
    case .signals: takeSignals()
    case .control:
      let now = SuspendingClock.now
      controlAcceptor.accept(from: resources.control.descriptor, lending: &reserve, now: now) {
        clients.add($0, now: now)
      }
    case .client(let identifier): serve(identifier, event: event)
    case .process(let name): reap(name)
    case .channel(let name): readChannel(of: name, isWritable: event.isWritable)
    case .output(let name): children[name]?.takeOutput()
    case .outage(let listener, let notice):
      let now = SuspendingClock.now
      acceptor.accept(from: listener, now: now) { descriptor in
        let address = SocketAddress.local(of: descriptor.rawValue)?.endpoint
        outages.answer(descriptor, with: notice.line(at: address), now: now)
      }
    case .closing: break
    case .directories:
      watch.drain()
      socketUpkeep.changed(now: .now)
    }
  }

  private func takeSignals() {
    while true {
      switch signals_next(signals.rawValue) {
      case 0: return
      case SIGCHLD: hasOrphans = true
      case SIGHUP:
        // A failure has been logged and changed nothing.
        _ = try? reload()
      case let number:
        log.write("signal \(number): stopping all processes")
        perform(fleet.end(now: .now))
      }
    }
  }

  // MARK: Children

  func perform(_ steps: [Fleet.Step]) {
    for step in steps {
      guard let child = children[step.name] else { continue }
      switch step.action {
      case .none: break
      case .spawn: start(child)
      case .ask: child.send(.stop)
      case .terminate:
        child.send(.stop)
        child.signal(SIGTERM)
      case .kill: kill(child)
      }
    }
  }

  private func kill(_ child: SupervisedChild) {
    let name = child.blueprint.name
    if fleet.member(name)?.state == .stopping {
      log.write("\(name) does not stop: sending SIGKILL", .warning)
    } else {
      child.failure = "it sent nothing for too long and was killed"
      log.write("\(name) has sent nothing for too long: sending SIGKILL", .error)
    }
    child.signal(SIGKILL)
  }

  private func start(_ child: SupervisedChild) {
    do throws(SpawnFailure) {
      try child.spawn(limits: limits)
      if child.blueprint.settings.role == .index { perform(own.indexStarted()) }
      record()
    } catch {
      ended(child.blueprint.name, .notStarted(error.description, isTemporary: error.isTemporary))
    }
  }

  private func reap(_ name: String) {
    guard let child = children[name] else { return }
    // Read its last events before its exit is handled.
    readChannel(of: name, isWritable: false)
    guard let termination = child.reap() else { return }
    ended(name, termination)
  }

  /// An own child that has ended is reaped when its pidfd says so, in this turn or the next.
  private func reapOrphans() {
    let own = Set(children.values.compactMap { $0.process?.pid })
    hasOrphans = !Orphans.reap { own.contains($0) }
  }

  private func ended(_ name: String, _ termination: Termination) {
    guard let child = children[name] else { return }
    child.reason = child.failure ?? "it \(termination)"
    write(
      "\(name) \(termination)" + (child.failure.map { ": \($0)" } ?? ""), termination == .exited(0) ? .info : .warning)
    child.failure = nil
    if child.blueprint.settings.role == .index { own.indexEnded() } else { own.ended(name) }
    let steps = fleet.exited(name, termination, now: .now, random: Double.random(in: 0..<1))
    // A requested stop needs no reason.
    if fleet.member(name)?.machine.state == .stopped { child.reason = nil }
    perform(steps)
    record()
  }

  private func readChannel(of name: String, isWritable: Bool) {
    guard let child = children[name] else { return }
    if isWritable { child.flushChannel() }
    for event in child.receive() {
      switch event {
      case .ready(let addresses):
        child.becameReady(at: addresses)
        perform(fleet.becameReady(name, now: .now))
      case .heartbeat:
        fleet.heartbeat(name, now: .now)
      case .failed(let message):
        child.failure = message
      case .otherProtocol(let number):
        child.failure = "it speaks channel protocol \(number), this supervisor speaks \(ProtocolVersion.channel)"
        log.write("\(name) refused: \(child.failure ?? "")", .error)
        perform(fleet.refused(name, now: .now))
      case .identity(let id):
        if fleet.member(name)?.role == .peer { perform(own.identified(name, as: id)) }
      case .owned:
        if fleet.member(name)?.role == .index { perform(own.acknowledged()) }
      }
    }
  }

  /// Tells the index which peers are its own, and peers that it knows them.
  private func perform(_ steps: [OwnPeers.Step]) {
    for step in steps {
      switch step {
      case .tell(let ids): children[ProcessRole.index.rawValue]?.send(.own(ids))
      case .release(let name): children[name]?.send(.go)
      case .leaveOut(let name):
        log.write(
          "\(name) does not belong to the network by itself: an index knows \(OwnPeers.maxPeers) peers of its supervisor at "
            + "most. Let it join with a ticket: p2pctl network invite", .warning)
      }
    }
  }

  /// Records the running children for the next supervisor of this home. If it cannot be written, they still end with their
  /// channel or by their death signal.
  private func record() {
    var record = ChildRecord(boot: resources.boot)
    for child in children.values {
      guard let run = child.process else { continue }
      record.children.append(.init(name: child.blueprint.name, pid: run.pid, startTime: run.startTime))
    }
    do throws(SystemError) {
      do throws(SystemError) {
        try SmallFile.replace(resources.recordPath, with: record.bytes)
      } catch {
        guard error.code == EMFILE, reserve.lend() else { throw error }
        try SmallFile.replace(resources.recordPath, with: record.bytes)
      }
    } catch {
      write("cannot write \(resources.recordPath): \(error)", .warning)
    }
  }

  private func logStateChanges() {
    for member in fleet.members {
      guard states.note(member, at: WallClock.now), let child = children[member.name] else { continue }
      switch member.machine.state {
      case .ready:
        write("\(member.name) is ready" + (child.address.isEmpty ? "" : " at \(child.address)"))
      case .parked:
        log.write(
          "\(member.name) parked after repeated failures: \(child.reason ?? "it ended"); \(child.blueprint.log.hint)",
          .error)
      case .starting, .stopping, .backingOff, .stopped: break
      }
    }
  }

  /// Logs a message that may repeat without end.
  func write(_ message: String, _ level: LogStyle.Level = .info) {
    if let text = repeated.next(message, now: .now) { log.write(text, level) }
  }

  // MARK: The end

  private func forgetRetired() {
    for name in fleet.takeRetired() {
      children.removeValue(forKey: name)?.blueprint.closeListeners()
      perform(own.retired(name))
    }
  }

  /// Releases everything before it answers front ends: after the answer another supervisor can start.
  private func finish() {
    for child in children.values { child.blueprint.closeListeners() }
    resources.control.close()
    unlink(resources.recordPath)
    outages.closeAll()
    log.write("all processes have stopped")
    resources.lock.release()
    answerWaiting()
    clients.finish()
  }
}
