// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import ProcessSupport
import WireProtocol

/// A child that answers every connection with one line, its pid. Its name selects a misbehaviour: `crash…` exits before it
/// is ready, `flap…` right after, `deaf…` ignores stop requests, `mute…` sends no heartbeat, `chatty…` writes a lot, `slow…`
/// is ready only when a file `go` exists in its state directory, `other…` speaks another channel protocol, `noise…` starts
/// with malformed lines, `orphan…` leaves a process behind that holds its output open. For an index, P2P_TEST_INDEX gives
/// the name.
@main
struct Entrypoint {
  static func main() {
    guard let channel = try? SupervisorChannel.fromEnvironment() else { exit(64) }
    let nature = channel.start.role == .index ? getenv("P2P_TEST_INDEX").map { String(cString: $0) } : nil
    let name = nature ?? channel.start.name
    if name.hasPrefix("crash") {
      channel.sendFailed("it is made to crash")
      exit(3)
    }
    if name.hasPrefix("deaf") { signal(SIGTERM, SIG_IGN) }
    if name.hasPrefix("chatty") { chat() }
    if name.hasPrefix("noise") { makeNoise() }
    // No test signals it; it ends on its own.
    if name.hasPrefix("orphan") { system("/bin/sleep 10 &") }
    if name.hasPrefix("slow") { waitForGo(channel.start.settings) }
    channel.run(
      pulse: { beat in if !name.hasPrefix("mute") { beat() } },
      onStop: {
        if name.hasPrefix("deaf") { return }
        print("\(name) stops")
        exit(0)
      },
      onReload: { _ in
        print("\(name) reloads")
        fflush(nil)
      },
      onListen: { descriptor in
        DispatchQueue.global().async { serve([descriptor]) }
        print("\(name) listens again")
        fflush(nil)
      })
    if name.hasPrefix("other") {
      sayOtherProtocol()
    } else {
      channel.sendReady(ChannelAddresses())
    }
    if name.hasPrefix("flap") { exit(4) }
    serve(channel.start.listeners.all.map(\.descriptor))
  }

  private static func chat() {
    let line = String(repeating: "x", count: 99)
    for _ in 0..<150_000 { print(line) }
    fflush(nil)
  }

  private static func waitForGo(_ settings: ChildSettings) {
    guard case .peer(let peer) = settings else { return }
    while access("\(peer.state)/go", F_OK) != 0 { usleep(2_000) }
  }

  private static func makeNoise() {
    let lines = [
      "", "nonsense", "{}", "[]", "{\"event\":\"dance\"}", "{\"event\":7}", "{\"event\":\"ready\",\"channel\":1}",
      "\u{0}",
    ]
    for line in lines.map({ Array("\($0)\n".utf8) }) { _ = write(3, line, line.count) }
  }

  private static func sayOtherProtocol() {
    let line = Array("{\"event\":\"ready\",\"channel\":2,\"addresses\":{}}\n".utf8)
    _ = write(3, line, line.count)
  }

  private static func serve(_ listeners: [Int32]) -> Never {
    let line = Array("{\"pid\":\(getpid())}\n".utf8)
    while true {
      var waiting = listeners.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      guard poll(&waiting, nfds_t(waiting.count), -1) > 0 else { continue }
      for listener in waiting where listener.revents != 0 {
        let connection = accept(listener.fd, nil, nil)
        guard connection >= 0 else { continue }
        _ = write(connection, line, line.count)
        close(connection)
      }
    }
  }
}
