// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineTransport
import NetworkMembership
import POSIXSupport
import PeerIdentity

/// The key of an index, without which it cannot offer TLS.
struct IndexKey {
  let identity: PeerIdentity
  /// Its directory, which also has what the network of the index needs.
  let directory: String
  let offer: TLSOffer

  /// The user `nobody`, as other services may run as well.
  private static let sharedUser: uid_t = 65_534

  /// The members of a closed network.
  static func database(in directory: String) -> String { "\(directory)/network.sqlite" }

  /// Why the index cannot have a key, and what to do.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    /// Whether the options are wrong.
    var isUsage = false
  }

  /// Reads the key, or creates it.
  /// - Parameters:
  ///   - directory: of the key; created if missing. `nil` for no key, and so no TLS: for an index on loopback only.
  ///   - listen: where the index listens.
  /// - Returns: `nil` without a key.
  init?(directory: String?, listen: Endpoint, plain: PlainConnections) throws(Failure) {
    guard let directory else {
      guard listen.isLoopback else {
        throw Failure(
          description: "an index that other machines reach needs a key of its own: give its directory with --state DIR",
          isUsage: true)
      }
      return nil
    }
    self.directory = directory
    guard geteuid() != Self.sharedUser else {
      throw Failure(
        description: "an index with a key does not run as nobody, as other services may: create the user p2p "
          + "(useradd --system p2p), or set user = under [index]")
    }
    guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
      throw Failure(description: "cannot create the state directory \(directory): \(SystemError(errno))")
    }
    let path = "\(directory)/key.pem"
    let mark = NetworkMark(database: Self.database(in: directory))
    // A new key would be that of another index: the members of this one would be strangers to it.
    guard access(path, F_OK) == 0 || errno != ENOENT || !mark.hasNetwork else {
      throw Failure(
        description: "\(path) is missing, but there is a network of its index: restore your copy of the key. "
          + mark.advice)
    }
    do {
      identity = try PeerIdentity.loadOrCreate(at: path)
      offer = TLSOffer(try TransportIdentity(identity), plain: plain)
    } catch {
      throw Failure(description: "\(error)")
    }
  }
}
