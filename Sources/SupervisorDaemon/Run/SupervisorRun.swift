// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import ProcessSupport
import SystemPackage
import WireProtocol

/// A run of the supervisor from the first check to the last farewell.
package enum SupervisorRun {
  package static let version = "p2p-supervisor \(ProtocolVersion.program)"
  package static let defaultConfiguration = DefaultConfiguration.text

  /// The end of `p2p-supervisor run --help`.
  package static let help = """
    Without flags it does what the configuration says; without a configuration it serves an index on 127.0.0.1:7734 \
    and runs one peer named after the user. With --serve-index, --index or --peer it starts exactly what they name.

    What they do not say comes from the environment (P2P_INDEX_LISTEN is listen of [index]), else from the configuration; \
    --print-default-config shows every setting.

    SIGTERM and SIGINT stop everything within 10 s, SIGHUP reads the configuration again.

    EXIT STATUS: 0 stopped in good order; 1 could not start; 64 wrong usage; 66 no such configuration; 77 not permitted.

    EXAMPLE: p2p-supervisor run --serve-index 127.0.0.1:7734 --peer alice --peer bob=127.0.0.1:40002
    """

  /// Returns when everything has ended in good order. Call it on the main thread, before any other thread is made: the
  /// lives of the children are tied to it.
  /// - Parameter readOptions: called when no signal gets lost any more, and none ends the process by itself.
  package static func run(
    _ readOptions: () throws(SupervisorError) -> SupervisorOptions
  ) throws(SupervisorError) {
    // Before anything is started, too: children get no signal that was meant for this process.
    let signals = try openSignals()
    let options = try readOptions()
    try SocketPathRule.check(options.layout, peers: options.plan.peers.map(\.name))
    try PlaceMaker(layout: options.layout).makeCommon()
    let log = SupervisorLog(path: options.layout.log(of: "supervisor"), echoes: options.echoesLog)
    for notice in options.notices { log.write(notice) }
    for warning in options.plan.warnings { log.write(warning, .warning) }
    let premises = try SupervisorResources.prepare(options) { log.write($0) }
    Supervisor(premises: premises, options: options, signals: signals, log: log).run()
  }

  private static func openSignals() throws(SupervisorError) -> FileDescriptor {
    // What a connection or a file does not take is an error where it is written.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    let numbers = [SIGTERM, SIGINT, SIGHUP]
    let descriptor = signals_open(numbers, numbers.count)
    guard descriptor >= 0 else { throw .system("cannot watch for signals", Errno(rawValue: -descriptor)) }
    return FileDescriptor(rawValue: descriptor)
  }
}
