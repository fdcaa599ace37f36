// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import WireProtocol

extension DownloadRecord {
  /// A new download.
  /// - Parameters:
  ///   - home: the network in which it begins.
  ///   - path: of a stream, `streamPath`.
  init(
    _ request: DownloadRequest, _ choice: SourceChoice, in home: Home, path: String, id: Int64, created: Timestamp
  ) {
    self.init(document: choice.document(request.key), path: path, created: created)
    (self.id, self.home) = (id, home)
    isShared = request.isShared
    preserves = request.preserves
    replacesFile = request.replacesFile
    isDetached = request.isDetached
    isContentChosen = request.content != nil
    mask = request.mask
    priority = request.priority ?? .normal
    from = choice.peer
  }

  /// A file of one piece needs no row, no hidden file and no partial holder.
  var isSmall: Bool { content.geometry.pieceCount <= 1 }

  var kind: DownloadMachine.Kind { !isStream ? .file : isSmall ? .shortStream : .stream }

  var attributes: FileAttributes {
    FileAttributes(of: document, preserves: preserves, mask: mask)
  }

  /// Takes what the task of a fetch has changed.
  mutating func take(_ other: DownloadRecord) {
    path = other.path
    received = other.received
    temporary = other.temporary
    sideFile = other.sideFile
  }

  /// The file has its name: nothing else is left of the download.
  mutating func named(_ path: String) {
    self.path = path
    temporary = nil
    sideFile = nil
  }

  /// As a row of `transfers`.
  var row: RunningTransfer {
    let isComplete = state == .done
    let pieces = document.content.geometry.pieceCount
    return RunningTransfer(
      id: id, direction: .download, state: state.word, key: document.key,
      content: document.content, received: received, path: path,
      sources: sources.map {
        .init(name: $0.name, id: $0.peer, host: $0.host, bytes: $0.bytes, error: $0.error)
      }, pieces: pieces, have: isComplete ? pieces : nil, priority: priority, error: error)
  }
}

extension FileAttributes {
  /// Of the file of a download.
  init(of document: Document, preserves: Bool, mask: UInt32?) {
    self.init(
      mask: mask, isExecutable: preserves && document.executable, modified: preserves ? document.modified.seconds : nil)
  }
}

extension SourceChoice {
  func document(_ key: DocumentKey) -> Document {
    Document(
      key: key, title: content.title, content: content.content, modified: content.modified,
      executable: content.executable)
  }
}

extension SourceFailures {
  /// The failure of a download of which every source sent wrong bytes.
  func wrongBytes(of key: DocumentKey) -> WireFailure {
    WireFailure(.verificationFailed, "\(key) could not be fetched: \(explanation)")
  }

  /// The failure of a download without sources.
  func noSource(of key: DocumentKey, holders: Int) -> WireFailure {
    guard count > 0 else {
      return WireFailure(.noSource, "nobody else offers \(key) now: there was no source to ask")
    }
    let tried = holders > 1 ? " (\(count) tries at \(holders) holders)" : ""
    return WireFailure(.noSource, "no source of \(key) answers\(tried): \(explanation)")
  }
}

extension WireFailure {
  /// The same with the number of the download.
  func about(_ job: Int64) -> WireFailure {
    var failure = self
    failure.job = job
    return failure
  }
}
