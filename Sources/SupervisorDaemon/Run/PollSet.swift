// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What one turn of the loop waits for: poll(2).
struct PollSet<Source> {
  /// What poll(2) found at a source.
  struct Event {
    let source: Source
    /// Bytes, a connection, an end of file or an error: reading will not wait.
    let isReadable: Bool
    let isWritable: Bool
  }

  private var descriptors: [pollfd] = []
  private var sources: [Source] = []

  /// A source without interest is still told of when its other end hangs up.
  mutating func add(_ descriptor: Int32, reading: Bool = true, writing: Bool = false, as source: Source) {
    let events = (reading ? POLLIN : 0) | (writing ? POLLOUT : 0)
    descriptors.append(pollfd(fd: descriptor, events: Int16(events), revents: 0))
    sources.append(source)
  }

  /// - Parameter timeout: in milliseconds, −1 for ever.
  mutating func wait(timeout: Int32) -> [Event] {
    guard poll(&descriptors, nfds_t(descriptors.count), timeout) > 0 else { return [] }
    return zip(descriptors, sources).compactMap { descriptor, source in
      let found = Int32(descriptor.revents)
      guard found != 0 else { return nil }
      let readable = found & (POLLIN | POLLHUP | POLLERR | POLLNVAL) != 0
      return Event(source: source, isReadable: readable, isWritable: found & POLLOUT != 0)
    }
  }
}
