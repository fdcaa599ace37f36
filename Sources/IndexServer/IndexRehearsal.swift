// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineTransport
import NIOCore
import NIOPosix
import ProcessSupport

/// What a standby does while it waits: it is an index that nobody sees, asked everything once.
package enum IndexRehearsal {
  /// - Returns: the answers; none where there is no place for it.
  @discardableResult
  package static func run() -> [String] {
    guard let stage = Stage() else { return [] }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let socket = "\(stage.path)/index"
    let server = AsynchronousWork.wait {
      try? await IndexServer.start(.unix(path: socket), service: IndexService(), group: group)
    }
    let content = String(repeating: "5", count: 64)
    let answers = stage.call(
      "index",
      [
        #"{"id":1,"op":"hello","protocol":1,"name":"standby","peer":"\#(content)","port":1}"#,
        #"{"id":2,"op":"add","documents":[{"key":"file/a","content":"\#(content)","size":1,"title":"A b","modified":"1981-09-01T00:00:00Z"}]}"#,
        #"{"id":3,"op":"lookup","key":"file/a"}"#,
        #"{"id":4,"op":"list","words":"b"}"#,
        #"{"id":5,"op":"peers"}"#,
      ])
    AsynchronousWork.wait { await server?.stop(within: .zero) }
    try? group.syncShutdownGracefully()
    return answers
  }
}
