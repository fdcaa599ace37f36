// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import DocumentModel
import Logging
import NIOPosix
import POSIXSupport
import WireProtocol

/// The address from which a peer has reached its index, under which that reports it. Remembered from one run to the next: a
/// peer listens there also while its index is away.
package struct OwnAddress: Equatable, Sendable {
  package let index: Endpoint
  package let host: String

  package init(index: Endpoint, host: String) {
    self.index = index
    self.host = host
  }

  /// `nil` for a text of another version.
  package init?(text: String?) {
    let words = text?.split(separator: " ") ?? []
    guard words.count == 2, let index = try? Endpoint(String(words[0])) else { return nil }
    self.init(index: index, host: String(words[1]))
  }

  package var text: String { "\(index) \(host)" }

  /// Whether it is still to be expected at a start: the index is the same, and this machine has the address.
  package func isLikely(at index: Endpoint, interfaces: [String]) -> Bool {
    guard let host = HostAddress(host)?.text else { return false }
    return index == self.index && interfaces.contains(host)
  }
}

extension OwnAddress {
  /// Name of it in the catalogue.
  private static let setting = "own_address"

  /// That of earlier runs; `nil` if it is not to be expected any more. Blocks.
  static func likely(at index: Endpoint, in catalogue: Catalogue) throws(StoreError) -> OwnAddress? {
    let known = OwnAddress(text: try catalogue.setting(setting))
    return known.flatMap { $0.isLikely(at: index, interfaces: InterfaceAddresses.all()) ? $0 : nil }
  }

  /// Keeps it for the next run.
  func keep(in catalogue: Catalogue, pool: NIOThreadPool, _ logger: Logger) async {
    do throws(WireFailure) {
      try await pool.store { [text] () throws(StoreError) in
        if try catalogue.setting(Self.setting) != text { try catalogue.set(Self.setting, to: text) }
      }
    } catch {
      // Not at a stop.
      if error.code == .cancelled || error.code == .unavailable { return }
      logger.warning("cannot keep the address that the index reports", metadata: ["error": "\(error.message)"])
    }
  }
}
