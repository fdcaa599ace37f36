// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
package import DocumentModel
import Glibc
import LineJSON
import POSIXSupport
import ProcessSupport

/// The flags of the last `supervisor start`, in the supervisor's state: a later start without flags repeats them, because
/// the same command must bring the same processes back after a reboot. Where a configuration file exists, it decides instead.
package struct RememberedStart: Equatable {
  /// As typed, with absolute paths; empty for a start without flags.
  package let flags: [String]

  private static let maxBytes = 65_536

  static func path(in layout: Layout) -> String { "\(layout.supervisorState)/start.json" }

  package init(flags: [String]) {
    self.flags = flags
  }

  /// `nil` if nothing is remembered.
  /// - Throws: if the file is there and cannot be used: without its flags other processes would start.
  static func read(in layout: Layout) throws(CommandFailure) -> RememberedStart? {
    let path = path(in: layout)
    let reason: String
    do throws(SystemError) {
      if let remembered = RememberedStart(bytes: try SmallFile.read(path, max: maxBytes, followsLinks: false)) {
        return remembered
      }
      reason = "it is damaged"
    } catch {
      if error.code == ENOENT || error.code == ENOTDIR { return nil }
      reason = "\(error)"
    }
    throw CommandFailure(
      .noInput, "cannot read the flags of the last start: \(reason)",
      [
        "file: \(TextRules.escapedForTerminal(path))",
        "Give the flags again, or start without any: p2pctl supervisor start --fresh",
      ])
  }

  init?(bytes: [UInt8]) {
    guard let rows = (try? Jansson.decode(bytes))?["flags"]?.array else { return nil }
    let flags = rows.compactMap(\.string)
    // What does not parse was not written by `start`.
    guard flags.count == rows.count, (try? SupervisorStartCommand.parse(flags)) != nil else { return nil }
    self.flags = flags
  }

  var bytes: [UInt8] {
    (try? Jansson.encodeLine(["flags": .array(flags.map { .string($0) })])) ?? []
  }

  /// - Returns: why it could not be written.
  func write(in layout: Layout) -> SystemError? {
    do throws(SystemError) {
      try SmallFile.replace(Self.path(in: layout), with: bytes)
      return nil
    } catch {
      return error
    }
  }

  /// - Throws: if it cannot be forgotten.
  static func forget(in layout: Layout) throws(CommandFailure) {
    let path = path(in: layout)
    guard unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR else {
      throw CommandFailure(
        errno == EACCES || errno == EPERM ? .notPermitted : .failed,
        "cannot remove \(TextRules.escapedForTerminal(path)): \(SystemError(errno))")
    }
  }

  /// The processes of this start that another one leaves out. Without any flag it would start what these name.
  package func dropped(by flags: [String]) -> RememberedStart {
    let (before, after) = (Self.processes(self.flags), Self.processes(flags))
    let names = Set(after.map(\.name))
    return RememberedStart(flags: before.filter { !names.contains($0.name) }.flatMap(\.flags))
  }

  /// The same with a peer, where these flags start an index alone, or others than the one that is wanted.
  /// - Parameter isWanted: whether this peer and no other one should run.
  package func adding(_ peer: PeerName, isWanted: Bool) -> RememberedStart {
    // With --index alone one runs that is named after the user.
    guard !flags.contains("--index") else { return self }
    let names = Self.processes(flags).map(\.name)
    let peers = names.filter { $0 != "index" }
    let isMissing = peers.isEmpty ? !names.isEmpty : isWanted && !peers.contains(peer.text)
    return isMissing ? RememberedStart(flags: flags + ["--peer", peer.text]) : self
  }

  /// `--serve-index` and each `--peer`, by the name of what it starts.
  private static func processes(_ flags: [String]) -> [(name: String, flags: [String])] {
    var processes: [(name: String, flags: [String])] = []
    var rest = flags[...]
    while let flag = rest.popFirst() {
      // The only one without a value.
      guard flag != "--open", let value = rest.popFirst() else { continue }
      switch flag {
      case "--serve-index": processes.append(("index", [flag, value] + (flags.contains("--open") ? ["--open"] : [])))
      case "--peer":
        let name = value.split(separator: "=", maxSplits: 1).first.map(String.init) ?? value
        processes.append((name, [flag, value]))
      default: break
      }
    }
    return processes
  }

  /// The flags as a shell takes them.
  package var text: String {
    TextRules.escapedForTerminal(flags.map { ShellWords.escaped($0, in: nil) }.joined(separator: " "))
  }
}
