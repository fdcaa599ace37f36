// SPDX-License-Identifier: Apache-2.0

import LineTransport
import NIOCore
import WireProtocol

/// What ends a connection that does nothing.
extension UploadRole {
  /// Closes connections that send no `hello` in time, to free the slot.
  func closeWithoutHello() {
    guard other == nil, let connection else { return }
    let failure = WireFailure.noHello(within: service.limits.hello)
    connection.send { failure.write(id: nil, to: &$0) }
    connection.close()
  }

  /// One timer for each connection, which checks traffic in both directions: while it receives a long body over a slow
  /// line, the other side sends nothing.
  func scheduleIdleCheck() {
    guard let connection else { return }
    timer?.cancel()
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    timer = connection.eventLoop.scheduleTask(deadline: idleDeadline(connection)) { bound.value.checkIdle() }
  }

  private func idleDeadline(_ connection: any LineConnection) -> NIODeadline {
    max(connection.lastReceived, lastTaken) + .seconds(Int64(service.limits.idle))
  }

  private func checkIdle() {
    guard let connection else { return }
    // What our own limit holds back, the other side cannot take.
    if allowance?.isWaiting == true { lastTaken = connection.eventLoop.now }
    if idleDeadline(connection) > connection.eventLoop.now { scheduleIdleCheck() } else { connection.abort() }
  }
}
