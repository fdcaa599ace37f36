// SPDX-License-Identifier: Apache-2.0

import CProcess
import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupervision
import ProcessSupport
import SystemPackage
import WireProtocol

/// A run of the supervisor, from the first check to the last answer.
package enum SupervisorRun {
  package static let version = "p2p-supervisor \(ProtocolVersion.program)"
  package static let defaultConfiguration = DefaultConfiguration.text

  /// The end of `p2p-supervisor run --help`.
  package static let help = """
    Without flags it follows the configuration; without a configuration it serves an index on 127.0.0.1:7734 and runs one \
    peer named after the user. With --serve-index, --index or --peer it starts exactly what they name.

    Other settings come from the environment (P2P_INDEX_LISTEN is listen of [index]), else from the configuration; \
    --print-default-config shows every setting.

    SIGTERM and SIGINT stop all processes within 10 s, SIGHUP reloads the configuration.

    EXIT STATUS: 0 stopped; 1 could not start; 64 wrong usage; 66 configuration missing or unreadable; 77 not permitted.

    EXAMPLE: p2p-supervisor run --serve-index 127.0.0.1:7734 --peer alice --peer bob=127.0.0.1:40002
    """

  /// Returns after an orderly stop. Call it on the main thread, before other threads exist: the death signal of the children
  /// is bound to it.
  /// - Parameter readOptions: called once signals are caught.
  package static func run(
    _ readOptions: () throws(SupervisorError) -> SupervisorOptions
  ) throws(SupervisorError) {
    ProcessResources.openStandardDescriptors()
    // Its children may have as many; it needs about five for each.
    _ = ProcessResources.raiseDescriptorLimit()
    // Before any child is started.
    let signals = try openSignals()
    let options = try readOptions()
    try SocketPathRule.check(options.layout, peers: options.plan.peers.map(\.name))
    try PlaceMaker(layout: options.layout).makeCommon()
    let log = SupervisorLog(
      options.logTarget(of: "supervisor"), style: options.plan.logStyle, echoes: options.echoesLog)
    for warning in options.notices + options.plan.warnings { log.write(warning, .warning) }
    let resources = try SupervisorResources.prepare(options) { log.write($0, $1) }
    Supervisor(resources: resources, options: options, signals: signals, log: log).run()
  }

  private static func openSignals() throws(SupervisorError) -> FileDescriptor {
    ProcessResources.ignoreWriteSignals()
    // As process 1 it has to reap orphans.
    let numbers = [SIGTERM, SIGINT, SIGHUP] + (getpid() == 1 ? [SIGCHLD] : [])
    let descriptor = signals_open(numbers, numbers.count)
    guard descriptor >= 0 else { throw .system("cannot watch for signals", Errno(rawValue: -descriptor)) }
    return FileDescriptor(rawValue: descriptor)
  }
}

/// What a supervisor acquires before it starts children, in this order: the lock of its home, the end of the last run's
/// children, and all listening sockets. Sockets may be replaced only under the lock and after their last owner has ended.
struct SupervisorResources: ~Copyable {
  let lock: InstanceLock
  var control: ListeningSocket
  let builder: BlueprintBuilder
  let blueprints: [ChildBlueprint]
  let recordPath: String
  let boot: String

  private init(
    lock: consuming InstanceLock, control: ListeningSocket, builder: BlueprintBuilder, blueprints: [ChildBlueprint],
    recordPath: String,
    boot: String
  ) {
    self.lock = lock
    self.control = control
    self.builder = builder
    self.blueprints = blueprints
    self.recordPath = recordPath
    self.boot = boot
  }

  /// `nil` if nothing is recorded.
  private static func readRecord(_ path: String, _ log: BlueprintBuilder.Log) -> ChildRecord? {
    let reason: String
    do throws(SystemError) {
      if let record = ChildRecord(try SmallFile.read(path, followsLinks: false)) { return record }
      reason = "it is damaged"
    } catch {
      guard error.code != ENOENT else { return nil }
      reason = "\(error)"
    }
    log("cannot use the record of the last run, \(path): \(reason); what it left behind is not ended", .warning)
    return nil
  }

  static func prepare(
    _ options: SupervisorOptions, log: @escaping BlueprintBuilder.Log
  ) throws(SupervisorError) -> SupervisorResources {
    let ownState = options.layout.supervisorState
    let lock = try InstanceLock(path: options.layout.supervisorLock)
    let recordPath = "\(ownState)/children.json"
    let boot = ProcessTable.bootIdentifier()
    if let record = readRecord(recordPath, log) {
      for child in try PreviousRun.end(record, boot: boot) {
        log("ended \(child.name) (process \(child.pid)), left by the last supervisor", .notice)
      }
    }
    let builder = BlueprintBuilder(options: options, portsPath: "\(ownState)/ports.json", log: log)
    let blueprints = try builder.build()
    let control: ListeningSocket
    do throws(SupervisorError) {
      control = try builder.supervisorSocket()
    } catch {
      for blueprint in blueprints { blueprint.closeListeners() }
      throw error
    }
    return SupervisorResources(
      lock: lock, control: control, builder: builder, blueprints: blueprints, recordPath: recordPath, boot: boot)
  }
}
