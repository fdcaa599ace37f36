// SPDX-License-Identifier: Apache-2.0

/// One connection to the index: what records belong to and live as long as. Numbers are given out by whoever accepts
/// the connections, and never twice.
package struct SessionID: Hashable, Sendable {
  package let raw: UInt64

  package init(_ raw: UInt64) {
    self.raw = raw
  }
}
