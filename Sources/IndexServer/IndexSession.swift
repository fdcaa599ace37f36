// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import LineJSON
import WireProtocol

/// A peer that has said `hello`: the operations that change what it shares, each writing its reply. What it may ask is in
/// `IndexSession+Questions.swift`.
struct IndexSession {
  /// Where others can fetch what the session adds.
  private enum Offer {
    /// `hello` named no port: it looks up only.
    case none
    /// It comes from an address that means nothing to others.
    case unreachable
    case at(host: String, port: UInt16)
  }

  let id: SessionID
  let service: IndexService
  let origin: Origin
  private let offer: Offer
  /// Whether it is reported under the address that it advertises; `nil` where it advertises none.
  private let isAdvertised: Bool?

  init(service: IndexService, hello: IndexHello, origin: Origin) throws(WireFailure) {
    let advertised = try Self.advertised(hello)
    let isAllowed = advertised.map { service.addresses.mayAdvertise($0) }
    self.service = service
    self.origin = origin
    isAdvertised = isAllowed
    offer =
      switch (hello.port, advertised) {
      case (nil, _): .none
      case (let port?, let advertised?) where isAllowed == true: .at(host: advertised.text, port: port)
      case (let port?, _): origin.isLinkLocal ? .unreachable : .at(host: origin.host, port: port)
      }
    id = service.newSession()
    open(hello)
  }

  private static func advertised(_ hello: IndexHello) throws(WireFailure) -> HostAddress? {
    guard let text = hello.advertise else { return nil }
    guard let address = HostAddress(text) else { throw .badRequest("advertise is an IPv4 or IPv6 address") }
    return address
  }

  private func open(_ hello: IndexHello) {
    let (host, port): (String, UInt16?) = if case .at(let host, let port) = offer { (host, port) } else { ("", nil) }
    _ = service.withIndex { [id] in $0.open(id, peer: hello.peer, name: hello.name, host: host, port: port) }
  }

  /// Forgets the session and all that it has added.
  func close() {
    _ = service.withIndex { [id] in $0.close(id) }
  }

  var hasRecords: Bool {
    service.withIndex { [id] in $0.records(of: id) } > 0
  }

  func writeHello(_ id: Int64, _ output: inout JSONWriter) {
    output.beginReply(id: id)
    output.member("protocol", ProtocolVersion.wire)
    output.member("server", "p2p-index/\(ProtocolVersion.program)")
    output.member("host", origin.host)
    if let isAdvertised { output.member("advertised", isAdvertised) }
    output.key("limits")
    output.beginObject()
    for (name, value) in service.limits.named { output.member(name, value) }
    output.endObject()
    output.endReply()
  }

  // MARK: Records

  /// Takes the batch whole or not at all.
  func add(_ documents: [Document], _ id: Int64, _ output: inout JSONWriter) throws(WireFailure) {
    try checkOffer()
    let limit = service.limits.records
    let added = service.withIndex { [session = self.id] index -> Int? in
      guard index.records(of: session) + documents.count <= limit else { return nil }
      return index.add(documents, by: session)
    }
    guard let added else {
      throw WireFailure(
        .tooMany, "the batch could take the session beyond \(limit) records", limit: .init("records", limit))
    }
    output.beginReply(id: id)
    output.member("added", added)
    output.endReply()
  }

  private func checkOffer() throws(WireFailure) {
    switch offer {
    case .at: return
    case .none: throw WireFailure(.noPort, "hello named no port at which documents could be fetched")
    case .unreachable:
      throw WireFailure(
        .forbidden, "\(origin.host) means nothing to peers on other links: reach the index from another address")
    }
  }

  func remove(_ records: [IndexRequest.RecordID], _ id: Int64, _ output: inout JSONWriter) {
    let removed = service.withIndex { [session = self.id] in
      $0.remove(records.map { ($0.key, $0.content) }, by: session)
    }
    output.beginReply(id: id)
    output.member("removed", removed)
    output.endReply()
  }
}
