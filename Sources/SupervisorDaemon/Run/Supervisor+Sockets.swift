// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import ProcessSupervision
import ProcessSupport
import SystemPackage

/// Control sockets that somebody removed are made again: its own, and those of its children, which get the new descriptor
/// while they run.
extension Supervisor {
  /// Looks whether every control socket is at its path.
  func keepSockets(now: SuspendingClock.Instant) {
    var isComplete = restoreOwnSocket()
    for child in children.values { isComplete = restoreSocket(of: child) && isComplete }
    watch.add(controlDirectories)
    socketUpkeep.looked(isComplete: isComplete, now: now)
  }

  /// The directories with control sockets.
  var controlDirectories: Set<String> {
    let paths = [resources.control.path] + children.values.map(\.blueprint.control?.path)
    return Set(paths.compactMap { $0?.parent })
  }

  /// False if it is not at its path.
  private func restoreOwnSocket() -> Bool {
    guard !resources.control.isInPlace, let path = resources.control.path else { return true }
    guard let socket = restore(path, make: resources.builder.supervisorSocket) else { return false }
    try? resources.control.descriptor.close()
    resources.control = socket
    return true
  }

  private func restoreSocket(of child: SupervisedChild) -> Bool {
    guard let old = child.blueprint.control, !old.isInPlace, let path = old.path else { return true }
    let blueprint = child.blueprint
    let make = { [builder] () throws(SupervisorError) -> ListeningSocket in
      guard let name = try? PeerName(blueprint.name) else { return try builder.indexControl() }
      return try builder.control(of: name, blueprint.identity)
    }
    guard let socket = restore(path, make: make) else { return false }
    child.replaceControl(with: socket)
    return true
  }

  private var builder: BlueprintBuilder { resources.builder }

  private func restore(
    _ path: String, make: () throws(SupervisorError) -> ListeningSocket
  ) -> ListeningSocket? {
    // Replacing the socket of another process would start a fight for the path.
    guard !ListeningSocket.isServed(path) else {
      write("another process listens at \(path), which was a control socket of this supervisor", .error)
      return nil
    }
    do throws(SupervisorError) {
      let socket = try make()
      log.write("the control socket \(path) was gone: made it again", .warning)
      return socket
    } catch {
      write("the control socket \(path) is gone and cannot be made again: \(error)", .error)
      return nil
    }
  }
}
