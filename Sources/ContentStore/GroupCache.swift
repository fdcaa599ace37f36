// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Synchronization

/// The upper layers of recently used groups of 512 leaves, verified: a peer that asks for the same nodes again and again
/// costs no hashing. At most 2 MiB.
package final class GroupCache: Sendable {
  /// The lowest layer that is kept: 8 nodes of a group. What is below costs at most 16 times the nodes of an answer.
  static let base = 6
  private static let slots = 4096

  private struct Entry {
    let content: Content
    let group: Int64
    let layers: NodeLayers
  }

  private let entries = Mutex<[Entry?]>(Array(repeating: nil, count: slots))

  package init() {}

  func find(_ group: Int64, of content: Content) -> NodeLayers? {
    entries.withLock { entries in
      guard let entry = entries[Self.slot(group, content)], entry.group == group, entry.content == content else {
        return nil
      }
      return entry.layers
    }
  }

  /// - Parameter layers: of the group, from layer 6 or below, verified.
  func insert(_ layers: NodeLayers, _ group: Int64, of content: Content) {
    var nodes = [UInt8]()
    layers.append(layer: Self.base, from: 0, count: Int(LayerFile.groupLength >> Int64(Self.base)), to: &nodes)
    let kept = NodeLayers(base: Self.base, nodes: nodes, top: LayerFile.groupLayer)
    entries.withLock { $0[Self.slot(group, content)] = Entry(content: content, group: group, layers: kept) }
  }

  /// Neighbouring groups have neighbouring slots.
  private static func slot(_ group: Int64, _ content: Content) -> Int {
    let start = content.root.bytes.prefix(2).reduce(0) { $0 << 8 | Int($1) }
    return (start + Int(group % Int64(slots))) % slots
  }
}
