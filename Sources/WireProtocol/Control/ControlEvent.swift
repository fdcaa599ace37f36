// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// What a daemon sends between a request and its reply: rows of a result, and progress where it was asked for.
package enum ControlEvent: Equatable, Sendable {
  case hashing(HashingProgress)
  case added(Document, path: String)
  /// A file that could not be shared while others of the same `add` could.
  case failed(PathProblem)
  case document(ListedDocument)
  case progress(DownloadProgress)
  case peer(ConnectedPeer)
  case transfer(RunningTransfer)
  /// Of a kind that this version does not know, to be ignored.
  case unknown(String)

  /// `nil` where the line is no event but a reply.
  package init?(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    guard let kind = try fields.optionalString("event") else { return nil }
    self =
      switch kind {
      case "hashing": .hashing(try HashingProgress(json))
      case "added": .added(try fields.document(), path: try fields.string("path"))
      case "failed": .failed(try PathProblem(json))
      case "document": .document(try ListedDocument(json))
      case "progress": .progress(try DownloadProgress(json))
      case "peer": .peer(try ConnectedPeer(json))
      case "transfer": .transfer(try RunningTransfer(json))
      default: .unknown(kind)
      }
  }

  /// The whole line.
  package var json: JSONValue {
    switch self {
    case .hashing(let progress): Self.line("hashing", progress.members)
    case .added(let document, let path):
      Self.line("added", document.controlMembers, ["path": .string(path)])
    case .failed(let problem): Self.line("failed", problem.members)
    case .document(let document): Self.line("document", document.members)
    case .progress(let progress): Self.line("progress", progress.members)
    case .peer(let peer): Self.line("peer", peer.members)
    case .transfer(let transfer): Self.line("transfer", transfer.members)
    case .unknown(let kind): Self.line(kind, [:])
    }
  }

  private static func line(_ kind: String, _ parts: JSONMembers...) -> JSONValue {
    var line: JSONMembers = ["event": .string(kind)]
    for part in parts {
      for member in part { line[member.key] = member.value }
    }
    return .object(line)
  }
}
