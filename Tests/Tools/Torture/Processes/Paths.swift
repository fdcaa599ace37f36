// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// The directories of a run.
struct Paths {
  private let scratch: String
  /// The mount point of the small disk.
  let disk: String
  var home: String { disk + "/home" }
  /// The shared documents, outside of the small disk.
  var documents: String { scratch + "/documents" }
  var logs: String { scratch + "/logs" }

  func downloads(_ peer: String) -> String { "\(home)/downloads/\(peer)" }

  /// - Parameter scratch: an empty directory.
  init(scratch: String) throws {
    self.scratch = scratch.hasPrefix("/") ? scratch : FileManager.default.currentDirectoryPath + "/" + scratch
    disk = self.scratch + "/disk"
    guard mkdir(disk, 0o700) == 0 else { throw TortureFailure.system(disk) }
  }

  /// - Parameter logsApart: whether to keep logs on another disk than the state.
  func make(logsApart: Bool) throws {
    let downloads = PeerNames.all.map(self.downloads)
    for directory in [documents, logs, home, home + "/log", home + "/downloads"] + downloads {
      guard mkdir(directory, 0o700) == 0 else { throw TortureFailure.system(directory) }
    }
    if logsApart { Disk.substitute(home + "/log", with: logs) }
  }

  /// Writes the configuration of the supervisor.
  func configure(_ text: String) throws {
    guard mkdir(home + "/config", 0o700) == 0,
      FileManager.default.createFile(
        atPath: home + "/config/p2p.toml", contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
    else { throw TortureFailure.system(home + "/config") }
  }

  /// Copies the logs and writes the findings.
  func keepEvidence(in place: String, findings: [String]) {
    let files = FileManager.default
    try? files.createDirectory(atPath: place, withIntermediateDirectories: true)
    for directory in [logs, home + "/log"] {
      for name in ProcessTable.entries(of: directory) ?? [] {
        try? files.copyItem(atPath: "\(directory)/\(name)", toPath: "\(place)/\(name)")
      }
    }
    let text = findings.joined(separator: "\n") + "\n"
    try? Data(text.utf8).write(to: URL(fileURLWithPath: place + "/findings"))
  }
}
