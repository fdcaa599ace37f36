// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The heartbeat of a process with event loops: it goes through all of them, so that none can hang unnoticed.
package enum LoopPulse {
  package static func through(_ group: any EventLoopGroup) -> @Sendable (@escaping @Sendable () -> Void) -> Void {
    let loops = Array(group.makeIterator())
    return { beat in
      loops.reduce(beat) { next, loop in { loop.execute(next) } }()
    }
  }
}
