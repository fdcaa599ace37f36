// SPDX-License-Identifier: Apache-2.0

package import LineJSON
import NIOPosix

/// The reader and the writer that all connections of one event loop share: a connection holds no buffer of its own
/// while it is idle, and ten thousand of them cost no ten thousand tapes.
package final class LineScratch {
  // Each thread sees its own and no call uses it twice at once: the runtime need not check that for each line.
  @exclusivity(unchecked) package var reader = JSONReader()
  @exclusivity(unchecked) package var writer = JSONWriter()

  /// Buffers that a rare large answer has grown are given back beyond this.
  private static let keptCapacity = 1024 * 1024
  // Sound because each thread sees its own value only.
  nonisolated(unsafe) private static let perThread = ThreadSpecificVariable<LineScratch>()

  private init() {}

  /// That of the calling thread.
  package static var current: LineScratch {
    if let scratch = perThread.currentValue { return scratch }
    let scratch = LineScratch()
    perThread.currentValue = scratch
    return scratch
  }

  /// An empty writer. It is taken out, so that a nested use gets another one.
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
