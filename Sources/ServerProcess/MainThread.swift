import Dispatch
import Synchronization

/// The first thread of a process.
package enum MainThread {
  /// Waits here for the status that comes of work elsewhere.
  ///
  /// An asynchronous `main` would end this thread instead. That unwinds its stack (pthread_exit(3)), for which an
  /// executable without shared libraries first sorts all its unwinding tables: 20 ms and more, just when it is to serve.
  package static func wait(for work: @escaping @Sendable () async -> CInt) -> CInt {
    let outcome = Outcome()
    let isDone = DispatchSemaphore(value: 0)
    Task.detached {
      let status = await work()
      outcome.status.withLock { $0 = status }
      isDone.signal()
    }
    isDone.wait()
    return outcome.status.withLock { $0 }
  }

  private final class Outcome: Sendable {
    let status = Mutex<CInt>(0)
  }
}
