// SPDX-License-Identifier: Apache-2.0

import CProcess
import Dispatch
import DocumentModel
import Glibc
import POSIXSupport

/// Settings of the system for a process that serves many connections.
package enum ProcessResources {
  /// Checks that this process can start so many threads: libraries end the process or wait without end if they cannot.
  ///
  /// Call it before other threads exist.
  /// - Returns: a sentence for a person if it cannot.
  package static func lackOfThreads(_ count: Int) -> String? {
    let possible = Int(threads_possible(CInt(clamping: count)))
    guard possible < count else { return nil }
    return "can start only \(possible) of \(count) threads: the limit on processes is reached "
      + "(ulimit -u, or TasksMax= and pids.max of its control group)"
  }

  /// Makes a write that fails an error where it is made instead of the end of the process: to a closed connection (SIGPIPE),
  /// or beyond the file size limit (SIGXFSZ; RLIMIT_FSIZE in getrlimit(2)).
  package static func ignoreWriteSignals() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Opens /dev/null in place of standard descriptors that are closed, because the next file or socket would get their
  /// numbers, and messages would be written into it. Writing to standard output and error stays an error.
  ///
  /// Call it before anything else is opened.
  package static func openStandardDescriptors() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 {
      // The lowest free number is this one.
      _ = open("/dev/null", O_RDONLY)
    }
  }

  /// Why a program cannot run without /proc; `nil` if it can. Swift reads the command line from /proc/self/cmdline; without
  /// it a program would do what it does without arguments.
  package static var commandLineError: String? {
    CommandLine.argc > 0 ? nil : "cannot read the command line from /proc/self/cmdline: is /proc mounted?"
  }

  /// Ends the process with a message: with status 1 if its command line cannot be read, with 64 if an argument is not UTF-8,
  /// which the parser would repair to the name of something else.
  package static func requireCommandLine(program: String) {
    if let error = commandLineError {
      StandardError(program: program).reportLast(error)
      exit(1)
    }
    guard let argument = CurrentProcess.argumentBytes().first(where: { String(validating: $0, as: UTF8.self) == nil })
    else { return }
    StandardError(program: program)
      .reportLast("not valid UTF-8: \(TextRules.escapedForTerminal(TextRules.shown(argument)))")
    exit(64)
  }

  /// Resolves hosts by /etc/hosts and DNS only. Other sources of nsswitch.conf(5) are plug-ins of the C library, which a
  /// static executable cannot load.
  package static func resolveWithoutPlugins() {
    nss_files_and_dns_only()
  }

  /// Makes all threads share two arenas of malloc(3). By default there are up to eight for each processor, one per thread,
  /// and memory freed in one is not used by others: a process whose work moves between its threads would keep the peak of
  /// each.
  ///
  /// Call it before other threads exist.
  package static func shareMemoryArenas() {
    _ = memory_arenas(2)
  }

  /// Keeps freed memory up to 32 MiB for each arena: a transfer passes through buffers as fast as they are freed.
  package static func keepFreedMemory() {
    memory_keep(32 << 20)
  }

  /// Gives freed memory back to the system. Takes long if there is much of it.
  package static func giveBackMemory() {
    memory_trim()
  }

  /// Lets the process, which has a private key or a ticket in its memory, leave no core dump (core(5)).
  package static func leaveNoCoreDump() {
    var limit = rlimit(rlim_cur: 0, rlim_max: 0)
    _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
  }

  /// Raises the descriptor limit to the maximum that the system allows (getrlimit(2)), and returns the new limit.
  package static func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    let soft = limit.rlim_cur
    limit.rlim_cur = limit.rlim_max
    guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Int(clamping: soft) }
    return Int(clamping: limit.rlim_cur)
  }
}

/// Requests to stop the process: SIGTERM, SIGINT, or a call of `request`.
package final class StopRequests: Sendable {
  private let stream: AsyncStream<CInt>
  private let continuation: AsyncStream<CInt>.Continuation
  // Sound because nothing uses them after init; they only have to live.
  nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

  private static let signals = [SIGTERM, SIGINT]

  /// Blocks the signals until a `StopRequests` exists, so that one that comes earlier is neither lost nor ends a process
  /// that is just starting.
  ///
  /// Call it before other threads exist: they inherit the mask (pthread_sigmask(3)).
  package static func hold() {
    var held = sigset_t()
    sigemptyset(&held)
    for number in signals { sigaddset(&held, number) }
    pthread_sigmask(SIG_BLOCK, &held, nil)
  }

  package init() {
    let (stream, continuation) = AsyncStream.makeStream(of: CInt.self, bufferingPolicy: .bufferingNewest(1))
    self.stream = stream
    self.continuation = continuation
    sources = Self.signals.map { number in
      let source = DispatchSource.makeSignalSource(signal: number)
      source.setEventHandler { continuation.yield(0) }
      source.activate()
      return source
    }
  }

  /// - Parameter exitStatus: the exit status of the process.
  package func request(exitStatus: CInt = 0) {
    continuation.yield(exitStatus)
  }

  /// Waits for a request and returns the exit status that it asks for.
  package func first() async -> CInt {
    for await status in stream { return status }
    return 0
  }
}
