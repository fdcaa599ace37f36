// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupport
import ProcessSupervision
import SystemPackage
import WireProtocol

/// What a supervisor holds before it starts anything: the lock of its home, the end of the last run, and all listening
/// sockets. Made in this order, because sockets may be replaced only under the lock and after their last owner ended.
struct SupervisorResources: ~Copyable {
  let lock: InstanceLock
  let control: ListeningSocket
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

  static func prepare(
    _ options: SupervisorOptions, log: @escaping (String) -> Void
  ) throws(SupervisorError) -> SupervisorResources {
    let ownState = PlaceMaker.ownState(in: options.layout)
    let lock = try InstanceLock(path: "\(ownState)/lock")
    let recordPath = "\(ownState)/children.json"
    let boot = ProcessTable.bootIdentifier()
    if let record = (try? SmallFile.read(recordPath)).flatMap({ ChildRecord($0) }) {
      for child in try PreviousRun.end(record, boot: boot) {
        log("ended \(child.name) (process \(child.pid)), which the last supervisor had left")
      }
    }
    let builder = BlueprintBuilder(options: options, portsPath: "\(ownState)/ports.json", log: log)
    let blueprints = try builder.build()
    let control: ListeningSocket
    do throws(ListeningSocket.Failure) {
      control = try ListeningSocket.unix(options.layout.supervisorSocket)
    } catch {
      for blueprint in blueprints { blueprint.closeListeners() }
      throw BlueprintBuilder.explain(error, isDefaultIndex: false)
    }
    return SupervisorResources(
      lock: lock, control: control, builder: builder, blueprints: blueprints, recordPath: recordPath, boot: boot)
  }
}
