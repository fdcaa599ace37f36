// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel

/// Which daemon to ask, and in which form to answer. Declared on the commands, not on the root: there it would swallow
/// an option of the same name.
struct DaemonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The peer to ask. Default: the only one, or the one named after you.", valueName: "name"),
    transform: { try PeerName($0) })
  var peer: PeerName?

  @Option(help: ArgumentHelp("The control socket to ask.", valueName: "path"))
  var socket: String?

  @Flag(help: "One JSON object on each line.")
  var json = false

  func validate() throws {
    if peer != nil, socket != nil { throw ValidationError("--peer and --socket exclude each other") }
  }
}

extension DocumentKey {
  /// A key as people type it.
  static func typed(_ text: String) throws -> DocumentKey {
    try DocumentKey(normalizing: text)
  }
}
