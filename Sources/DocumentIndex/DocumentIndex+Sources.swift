// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Sources: where peers can be reached.
extension DocumentIndex {
  mutating func joinSource(_ identity: SourceIdentity, session: UInt32) {
    let name = sessions[session].name
    let source = sourceSlots[identity] ?? makeSource(identity, name: name)
    sources[source].name = name
    sources[source].sessions.append(session, in: &sessions)
    sessions[session].source = source
  }

  /// The session must have no records any more.
  mutating func leaveSource(session: UInt32) {
    let source = sessions[session].source
    guard source != noSlot else { return }
    sources[source].sessions.remove(session, in: &sessions)
    let newest = sources[source].sessions.newest
    if newest == noSlot {
      dropSource(source)
    } else {
      sources[source].name = sessions[newest].name
    }
  }

  private mutating func makeSource(_ identity: SourceIdentity, name: PeerName) -> UInt32 {
    let slot = sources.insert(Source(peer: identity.peer, host: identity.host, port: identity.port, name: name))
    sourceSlots[identity] = slot
    sourceOrder.insert(slot, at: sourceOrder.position { sources[$0].identity < identity })
    return slot
  }

  private mutating func dropSource(_ slot: UInt32) {
    let identity = sources[slot].identity
    sourceOrder.remove(slot, at: sourceOrder.position { sources[$0].identity < identity })
    sourceSlots[identity] = nil
    sources.remove(slot)
  }

  /// All sources that claim to be one peer.
  func sources(of peer: PeerID) -> [UInt32] {
    var position = sourceOrder.position { sources[$0].peer < peer }
    var found = [UInt32]()
    while let source = sourceOrder.next(&position), sources[source].peer == peer { found.append(source) }
    return found
  }
}
