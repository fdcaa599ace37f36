// SPDX-License-Identifier: Apache-2.0

package import LineJSON
package import NIOCore
import NIOPosix

/// The reader and the writer that all connections of one event loop share: an idle connection holds no buffers.
package final class LineScratch {
  // Each thread sees its own and no call uses it twice at once: the runtime need not check this for each line.
  @exclusivity(unchecked) package var reader = JSONReader()
  @exclusivity(unchecked) package var writer = JSONWriter()

  /// Larger buffers, grown by rare large answers, are released.
  private static let keptCapacity = 1024 * 1024
  // Sound because each thread sees its own value only.
  nonisolated(unsafe) private static let perThread = ThreadSpecificVariable<LineScratch>()

  private init() {}

  /// The one of the calling thread.
  package static var current: LineScratch {
    if let scratch = perThread.currentValue { return scratch }
    let scratch = LineScratch()
    perThread.currentValue = scratch
    return scratch
  }

  /// Takes an empty writer out; a nested use gets another one.
  package func takeWriter() -> JSONWriter {
    let taken = writer
    writer = JSONWriter()
    return taken
  }

  package func giveBack(_ used: consuming JSONWriter) {
    guard used.bytes.capacity <= Self.keptCapacity else { return }
    used.bytes.removeAll(keepingCapacity: true)
    writer = used
  }
}

/// The heartbeat of a process with event loops: it passes through all of them, so that none hangs unnoticed.
package enum LoopPulse {
  package static func through(_ group: any EventLoopGroup) -> @Sendable (@escaping @Sendable () -> Void) -> Void {
    let loops = Array(group.makeIterator())
    return { beat in
      loops.reduce(beat) { next, loop in { loop.execute(next) } }()
    }
  }
}
