// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineTransport
import Logging
import NIOCore
import NIOPosix
import ProcessSupport

/// What a standby does while it waits: it is a peer that nobody sees, without an index, asked what callers ask first; once
/// where everything has to be made, and again where it is found.
package enum PeerRehearsal {
  /// - Returns: the answers; none where there is no place for it.
  @discardableResult
  package static func run() -> [String] {
    guard let stage = Stage(), let name = try? PeerName("standby") else { return [] }
    // Nothing can be reached at port 0: connect(2) is refused at once.
    let settings = PeerDaemon.Settings(
      name: name, state: "\(stage.path)/state", index: Endpoint(host: "127.0.0.1", port: 0),
      uploads: .unix(path: "\(stage.path)/uploads"), control: .unix(path: "\(stage.path)/control"),
      controlPath: "\(stage.path)/control")
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var answers: [String] = []
    for _ in 0..<2 { answers += act(settings, on: stage, group) }
    try? group.syncShutdownGracefully()
    return answers
  }

  private static func act(
    _ settings: PeerDaemon.Settings, on stage: borrowing Stage, _ group: MultiThreadedEventLoopGroup
  ) -> [String] {
    let logger = Logger(label: "standby") { _ in SwiftLogNoOpLogHandler() }
    let daemon = AsynchronousWork.wait { try? await PeerDaemon.start(settings, group: group, logger: logger) }
    defer { AsynchronousWork.wait { await daemon?.stop() } }
    let nobody = String(repeating: "5", count: 64)
    return stage.call("control", [#"{"id":1,"op":"hello","protocol":1}"#, #"{"id":2,"op":"status"}"#])
      + stage.call(
        "uploads",
        [
          #"{"id":1,"op":"hello","protocol":1,"name":"standby","peer":"\#(nobody)"}"#,
          #"{"id":2,"op":"get","content":"\#(nobody)","size":1,"offset":0,"length":1}"#,
        ])
  }
}
