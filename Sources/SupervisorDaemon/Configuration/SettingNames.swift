// SPDX-License-Identifier: Apache-2.0

/// The names that the tables of the file may hold.
enum SettingNames {
  static let tables = ["supervisor", "index", "peer", "peers"]
  static let supervisor = ["kill_unresponsive_after"]
  static let index = ["serve", "listen", "address", "user", "allow_advertise"]
  static let peer = ["listen", "advertise"]
  /// Of a table `[peers.NAME]`.
  static let ofPeer = ["listen", "advertise", "user"]

  /// Settings that an earlier version had. For one release they are ignored with a warning, in the file and in the
  /// environment.
  static let removed = [(table: "supervisor", name: "standby")]

  /// The tables whose settings stand once, so that a variable of the environment can name them.
  static let single = [("supervisor", supervisor), ("index", index), ("peer", peer)]
}
