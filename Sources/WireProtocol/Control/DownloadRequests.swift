// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The downloads that a command is about.
package enum DownloadSelection: WireMessage, Hashable {
  case job(Int64)
  /// All downloads of this key.
  case key(DocumentKey)
  /// The downloads of this prefix, which ends in a slash.
  case prefix(String)
  case all

  package init(_ fields: some FieldReader) throws(WireFailure) {
    let job = try fields.optionalInteger("job", in: 0...Content.maximumSize)
    let hasKey = fields.value("key") != nil
    switch (job, hasKey, try fields.optionalBool("all") ?? false) {
    case (let job?, false, false): self = .job(job)
    case (nil, true, false):
      let key = try fields.string("key")
      self = key.endsInSlash ? .prefix(key) : .key(try fields.typedKey())
    case (nil, false, true): self = .all
    default: throw .badRequest("one of job, key and all selects downloads")
    }
  }

  package func write(to fields: inout some FieldWriter) {
    switch self {
    case .job(let job): fields.member("job", job)
    case .key(let key): fields.member("key", key.text)
    case .prefix(let prefix): fields.member("key", prefix)
    case .all: fields.member("all", true)
    }
  }
}

/// `pause`: stops downloads until `resume` or another `get`.
package struct PauseDownloads: WireMessage {
  package var selection: DownloadSelection
  /// The number of an interrupted `get`, from its `job` event. It is answered with `cancelled`, and the download is paused
  /// only if it was the last one that waited and no `get` had `detach`.
  package var waiter: Int64?

  package init(_ selection: DownloadSelection, waiter: Int64? = nil) {
    self.selection = selection
    self.waiter = waiter
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    selection = try DownloadSelection(fields)
    waiter = try fields.optionalInteger("waiter", in: 0...Content.maximumSize)
  }

  package func write(to fields: inout some FieldWriter) {
    selection.write(to: &fields)
    if let waiter { fields.member("waiter", waiter) }
  }
}

/// The end of `pause`, `resume` and `cancel`.
package struct ControlDownloadsReply: WireReply {
  /// Downloads that are now as the command wants them.
  package var downloads: Int

  package init(downloads: Int) {
    self.downloads = downloads
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    downloads = try fields.count("downloads")
  }

  package func write(to fields: inout some FieldWriter) { fields.member("downloads", downloads) }
}

/// A `get` takes part in a download.
package struct DownloadJob: WireMessage {
  /// The number of the download, as in `transfers`.
  package var job: Int64
  /// The number of this `get`.
  package var waiter: Int64
  /// Absolute.
  package var path: String
  /// Bytes that the download had moved before.
  package var received: Int64

  package init(job: Int64, waiter: Int64, path: String, received: Int64 = 0) {
    self.job = job
    self.waiter = waiter
    self.path = path
    self.received = received
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    job = try fields.size("job")
    waiter = try fields.size("waiter")
    path = try fields.string("path")
    received = try fields.optionalInteger("received", in: 0...Content.maximumSize) ?? 0
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("job", job)
    fields.member("waiter", waiter)
    fields.member("path", path)
    fields.member("received", received)
  }
}
