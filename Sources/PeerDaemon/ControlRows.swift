package import WireProtocol

/// What an index reports, as the control plane passes it on.

extension ReportedHolder {
  package init(_ row: HolderRow) {
    self.init(peer: row.peer, name: row.name, host: row.host, port: row.port, complete: row.complete)
  }
}

extension HeldContent {
  package init(_ row: ContentRow) {
    self.init(
      content: row.content, title: row.title, modified: row.modified, total: row.total,
      holders: row.holders.map(ReportedHolder.init))
  }
}
