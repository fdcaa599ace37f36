// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import LineJSON
import TestSupport
import Testing

/// A supervisor of the whole machine: one user per peer, isolated from each other.
@Suite(
  .serialized,
  .enabled(if: PrivateSystem.isPossible, "needs root, mount namespaces and useradd"))
struct RootModeTests {
  private static let p2pctl = "\(PrivateSystem.programs)/p2pctl"

  private func configure(_ system: PrivateSystem, _ text: String) async throws {
    let outcome = try await system.run(
      "/bin/sh", "-c", "mkdir -p /etc/p2p && printf '%s' \"$1\" > /etc/p2p/p2p.toml", "sh", text)
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  private func configuration(_ system: PrivateSystem, more: String = "") -> String {
    "[index]\nlisten = \"127.0.0.1:0\"\n\(more)[peers.\(system.alice)]\n[peers.\(system.bob)]\n"
  }

  private func processes(_ system: PrivateSystem) async throws -> [String: JSONValue] {
    let outcome = try await system.run(Self.p2pctl, "supervisor", "status", "--json")
    let rows = try outcome.lines.map { try Jansson.decode(Array($0.utf8)) }
    return Dictionary(rows.map { ($0["name"]?.string ?? "", $0) }) { $1 }
  }

  /// The lines `Uid:`, `Groups:` and `NoNewPrivs:` of proc_pid_status(5), without their names.
  private func rights(of row: JSONValue?) throws -> [String: String] {
    let pid = try #require(row?["pid"]?.integer)
    let status = String(decoding: TemporaryDirectory.read("/proc/\(pid)/status") ?? [], as: UTF8.self)
    return Dictionary(
      status.split(separator: "\n").compactMap { line in
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        return (String(parts[0]), parts[1].split(whereSeparator: \.isWhitespace).joined(separator: " "))
      }, uniquingKeysWith: { $1 })
  }

  @Test func `users cannot access each other`() async throws {
    try await PrivateSystem.with { system in
      try await configure(system, configuration(system))
      // Modes must not depend on the umask of root.
      #expect(try await system.startSupervisor(umask: "077") == nil)
      try await eachRunsAsItsUser(system)
      try await ownersAndModesAreRight(system)
      try await usersShareThroughTheirPeers(system)
      try await usersReadTheirOwnLogs(system)
      try await doctorFindsNothing(system)
      try await usersCannotReachOtherPeers(system)
      try await usersCannotPlantLinks(system)
    }
  }

  private func eachRunsAsItsUser(_ system: PrivateSystem) async throws {
    let rows = try await processes(system)
    #expect(rows.values.allSatisfy { $0["state"] == "ready" })
    for (name, user) in [(system.alice, system.alice), (system.bob, system.bob), ("index", "nobody")] {
      let id = try await system.run("/usr/bin/id", "-u", user).lines.first ?? "?"
      let rights = try rights(of: rows[name])
      #expect(rights["Uid"] == "\(id) \(id) \(id) \(id)", "\(name)")
      #expect(
        rights["Groups"] == "" && rights["NoNewPrivs"] == "1" && rights["CapEff"]?.allSatisfy { $0 == "0" } == true)
    }
  }

  private func ownersAndModesAreRight(_ system: PrivateSystem) async throws {
    let alice = system.alice
    let wanted = [
      ("/run/p2p", "755 root"), ("/run/p2p/supervisor.sock", "600 root"), ("/run/p2p/\(alice)", "711 root"),
      ("/run/p2p/\(alice)/control.sock", "600 \(alice)"), ("/var/lib/p2p", "755 root"),
      ("/var/lib/p2p/supervisor", "700 root"), ("/var/lib/p2p/\(alice)", "700 \(alice)"),
      ("/var/lib/p2p/\(alice)/key.pem", "600 \(alice)"), ("/var/log/p2p", "711 root"),
      ("/var/log/p2p/\(alice).log", "640 root"), ("/var/log/p2p/supervisor.log", "600 root"),
    ]
    for (path, rights) in wanted {
      #expect(try await system.run("/usr/bin/stat", "-c", "%a %U", path).output == "\(rights)\n", "\(path)")
    }
    let foreign = try await system.run(
      "/usr/bin/find", "/var/lib/p2p/\(alice)", "(", "-not", "-user", alice, "-o", "-perm", "/077", ")", "-not",
      "-type", "l")
    #expect(foreign.output.isEmpty, "\(foreign.output)")
  }

  private func usersShareThroughTheirPeers(_ system: PrivateSystem) async throws {
    let (alice, bob) = (system.alice, system.bob)
    try await system.run(as: alice, "/bin/sh", "-c", "umask 077; echo hello > ~/letter")
    let added = try await system.run(as: alice, Self.p2pctl, "add", "/run/home/\(alice)/letter")
    #expect(added.status == 0, "\(added.errors)")
    let fetched = try await system.run(as: bob, Self.p2pctl, "get", "file/letter", "-o", "/run/home/\(bob)/letter")
    #expect(fetched.status == 0, "\(fetched.errors)")
    #expect(try await system.run(as: bob, "/bin/cat", "/run/home/\(bob)/letter").output == "hello\n")
    // A peer has no more rights than its user.
    let stolen = try await system.run(as: bob, Self.p2pctl, "add", "/run/home/\(alice)/letter")
    #expect(stolen.status == 66, "\(stolen.errors)")
    let status = try await system.run(as: bob, Self.p2pctl, "--json", "status")
    #expect(status.output.contains("\"peer\":\"\(bob)\""))
  }

  private func usersCannotReachOtherPeers(_ system: PrivateSystem) async throws {
    let (alice, bob) = (system.alice, system.bob)
    for (reader, owner) in [(alice, bob), (bob, alice)] {
      for path in ["/var/lib/p2p/\(owner)/key.pem", "/var/log/p2p/\(owner).log", "/var/log/p2p/supervisor.log"] {
        let outcome = try await system.run(as: reader, "/bin/cat", path)
        #expect(
          outcome.status != 0 && outcome.output.isEmpty && outcome.errors.contains("Permission denied"), "\(path)")
      }
      for directory in ["/var/lib/p2p/\(owner)", "/var/lib/p2p/supervisor", "/run/p2p/\(owner)", "/var/log/p2p"] {
        #expect(try await system.run(as: reader, "/bin/ls", directory).status != 0, "\(directory)")
      }
      let outcome = try await system.run(
        as: reader, Self.p2pctl, "--socket", "/run/p2p/\(owner)/control.sock", "status")
      #expect(outcome.status == 77 && outcome.output.isEmpty, "\(outcome)")
    }
    #expect(try await system.run(as: alice, Self.p2pctl, "supervisor", "status").status == 77)
    #expect(try await system.run(as: alice, Self.p2pctl, "supervisor", "stop").status == 77)
    // Even with permissive modes, daemon and supervisor check the credentials.
    for path in ["/run/p2p/\(bob)/control.sock", "/run/p2p/supervisor.sock"] {
      #expect(try await system.run("/bin/chmod", "666", path).status == 0)
    }
    let asked = try await system.run(as: alice, Self.p2pctl, "--socket", "/run/p2p/\(bob)/control.sock", "status")
    #expect(asked.status == 77 && asked.output.isEmpty, "\(asked)")
    let stopped = try await system.run(as: alice, Self.p2pctl, "supervisor", "stop")
    #expect(stopped.status == 77, "\(stopped)")
    // Root may use all of them.
    #expect(try await system.run(Self.p2pctl, "--peer", bob, "status").status == 0)
  }

  private func usersReadTheirOwnLogs(_ system: PrivateSystem) async throws {
    let (alice, bob) = (system.alice, system.bob)
    let read = try await system.run(as: alice, "/bin/cat", "/var/log/p2p/\(alice).log")
    #expect(read.output.contains("ready to serve"), "\(read)")
    for arguments in [[], [alice]] {
      let logs = try await system.run(as: alice, "/bin/sh", "-c", "\(Self.p2pctl) logs \(arguments.joined())")
      #expect(
        logs.status == 0 && logs.output.contains("ready to serve peer=\(alice)") || logs.output.contains(alice),
        "\(logs)")
    }
    #expect(try await system.run(as: alice, Self.p2pctl, "logs", bob).status == 77)
    let written = try await system.run(as: alice, "/bin/sh", "-c", "echo x >> /var/log/p2p/\(alice).log")
    #expect(written.status != 0)
  }

  /// What only root may see is no problem of an ordinary user, and other users' peers are none of theirs.
  private func doctorFindsNothing(_ system: PrivateSystem) async throws {
    for user in [system.alice, system.bob] {
      let doctor = try await system.run(as: user, Self.p2pctl, "doctor")
      let other = user == system.alice ? system.bob : system.alice
      #expect(doctor.status == 0 && !doctor.output.contains("problem") && !doctor.output.contains(other), "\(doctor)")
    }
    #expect(try await system.run(Self.p2pctl, "doctor").status == 0)
  }

  private func usersCannotPlantLinks(_ system: PrivateSystem) async throws {
    let alice = system.alice
    for place in ["/run/p2p", "/run/p2p/\(alice)", "/var/lib/p2p", "/var/log", "/var/log/p2p", "/etc/p2p"] {
      let outcome = try await system.run(as: alice, "/bin/ln", "-s", "/etc/passwd", "\(place)/planted")
      #expect(outcome.status != 0, "\(place)")
    }
    // Links in their own state directory have no effect: root does not follow them.
    try await system.run(
      as: alice, "/bin/sh", "-c",
      "cd /var/lib/p2p/\(alice) && ln -s /etc downloads && ln -s /etc/passwd control.sock && ln -s /var/lib/p2p/\(system.bob) x"
    )
    await system.stop()
    #expect(try await system.startSupervisor() == nil)
    #expect(try await processes(system)[alice]?["state"] == "ready")
    for (path, rights) in [
      ("/etc", "755 root"), ("/etc/passwd", "644 root"), ("/var/lib/p2p/\(system.bob)", "700 \(system.bob)"),
    ] {
      #expect(try await system.run("/usr/bin/stat", "-c", "%a %U", path).output == "\(rights)\n", "\(path)")
    }
  }

  @Test func `capabilities of the systemd unit suffice`() async throws {
    let unit = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "etc/systemd/system/p2p.service"), encoding: .utf8)
    let line = try #require(unit.split(separator: "\n").first { $0.hasPrefix("CapabilityBoundingSet=") })
    let rights = line.dropFirst("CapabilityBoundingSet=".count).split(separator: " ").map {
      "+\($0.dropFirst("CAP_".count).lowercased())"
    }
    try await PrivateSystem.with { system in
      try await configure(system, configuration(system))
      let set = (["-all"] + rights).joined(separator: ",")
      let launcher = ["/usr/bin/setpriv", "--no-new-privs", "--bounding-set", set]
      #expect(try await system.startSupervisor(launcher: launcher) == nil)
      try await eachRunsAsItsUser(system)
      let own = try self.rights(of: try await processes(system)["supervisor"])
      #expect(own["CapBnd"] != "000001ffffffffff" && own["CapBnd"] != nil)
      try await system.run(Self.p2pctl, "supervisor", "restart")
      try await eachRunsAsItsUser(system)
    }
  }

  // MARK: Users of processes

  @Test func `symbolic link in place of a state directory is refused`() async throws {
    try await PrivateSystem.with { system in
      try await configure(system, configuration(system))
      try await system.run("/bin/sh", "-c", "mkdir -p /var/lib/p2p && ln -s /etc /var/lib/p2p/\(system.alice)")
      let message = try #require(try await system.startSupervisor())
      #expect(message.contains("cannot use /var/lib/p2p/\(system.alice)"), "\(message)")
      #expect(try await system.run("/usr/bin/stat", "-c", "%U", "/etc").output == "root\n")
    }
  }

  @Test func `configuration names the user of a process`() async throws {
    try await PrivateSystem.with { system in
      try await configure(
        system,
        "[index]\nlisten = \"127.0.0.1:0\"\nuser = \"\(system.bob)\"\n[peers.one]\nuser = \"54321:54322\"\n"
          + "[peers.two]\nuser = \"\(system.alice)\"\n")
      #expect(try await system.startSupervisor() == nil)
      let rows = try await processes(system)
      #expect(try rights(of: rows["one"])["Uid"] == "54321 54321 54321 54321")
      #expect(try rights(of: rows["one"])["Gid"] == "54322 54322 54322 54322")
      let alice = try await system.run("/usr/bin/id", "-u", system.alice).lines.first ?? "?"
      #expect(try rights(of: rows["two"])["Uid"]?.hasPrefix("\(alice) ") == true)
      let bob = try await system.run("/usr/bin/id", "-u", system.bob).lines.first ?? "?"
      #expect(try rights(of: rows["index"])["Uid"]?.hasPrefix("\(bob) ") == true)
    }
  }

  /// The caller may also be the user behind sudo. A service manager is no caller.
  @Test func `without a configuration the peer runs as the caller`() async throws {
    try await PrivateSystem.with { system in
      let variables = ["P2P_INDEX_LISTEN": "127.0.0.1:0"]
      let service = variables.merging(["NOTIFY_SOCKET": "/run/nobody-listens"]) { $1 }
      // 9: the user exists.
      #expect(try await [0, 9].contains(system.run("/usr/sbin/useradd", "--system", "p2p").status))
      #expect(try await system.startSupervisor(environment: service) == nil)
      #expect(try await processes(system).keys.sorted() == ["index", "supervisor"])
      // The index runs as p2p if that user exists.
      let index = try rights(of: try await processes(system)["index"])
      let owner = try await system.run("/usr/bin/id", "-u", "p2p").lines.first ?? "?"
      #expect(index["Uid"] == "\(owner) \(owner) \(owner) \(owner)")
      let log = try await system.run("/bin/cat", "/var/log/p2p/supervisor.log").output
      #expect(log.contains("no peer is configured") && log.contains("--peer NAME"))
      await system.stop()

      let started = try await system.run(environment: variables, Self.p2pctl, "supervisor", "start")
      #expect(started.status == 0, "\(started)")
      #expect(try await processes(system).keys.sorted() == ["index", "root", "supervisor"])
      await system.stop()

      // With sudo the caller is the original user.
      #expect(
        try await system.startSupervisor(environment: variables.merging(["SUDO_USER": system.alice]) { $1 }) == nil)
      let rows = try await processes(system)
      #expect(rows.keys.sorted() == ["index", system.alice, "supervisor"].sorted())
      #expect(try rights(of: rows[system.alice])["Uid"]?.hasPrefix("0 ") == false)
    }
  }

  @Test func `root alone decides who belongs to the network of the machine's index`() async throws {
    try await PrivateSystem.with { system in
      // 9: the user exists.
      #expect(try await [0, 9].contains(system.run("/usr/sbin/useradd", "--system", "p2p").status))
      try await configure(system, configuration(system, more: "[network]\nopen = false\n"))
      #expect(try await system.startSupervisor(umask: "077") == nil)
      for (path, wanted) in [
        ("/run/p2p/index", "711 root"), ("/run/p2p/index/control.sock", "600 root"), ("/var/lib/p2p/index", "700 p2p"),
        ("/var/lib/p2p/index/network.sqlite", "600 p2p"), ("/var/lib/p2p/index/key.pem", "600 p2p"),
      ] {
        #expect(try await system.run("/usr/bin/stat", "-c", "%a %U", path).output == wanted + "\n", "\(path)")
      }
      let invited = try await system.run(Self.p2pctl, "network", "invite")
      #expect(invited.status == 0 && invited.output.hasPrefix("p2p-join:"), "\(invited)")
      for user in [system.alice, system.bob] {
        let status = try await system.run(as: user, Self.p2pctl, "status", "--json")
        #expect(status.output.contains(#""role":"publisher""#), "\(status)")
        let refused = try await system.run(as: user, Self.p2pctl, "network", "invite")
        #expect(refused.status == 77 && refused.errors.contains("admin"), "\(refused)")
      }
      // Even with permissive modes, the index checks the credentials.
      guard access("/usr/bin/curl", X_OK) == 0 else { return }
      let socket = "/run/p2p/index/control.sock"
      #expect(try await system.run("/bin/chmod", "666", socket).status == 0)
      let hello = #"{"id":1,"op":"hello","protocol":1}"#
      let asked = try await system.run(
        as: system.alice, "/bin/sh", "-c",
        "echo '\(hello)' | curl --silent --max-time 30 --unix-socket \(socket) telnet://localhost")
      #expect(asked.output.contains("only the user that runs the index and root"), "\(asked)")
      #expect(asked.lines.count == 1)
    }
  }

  @Test func `a user whom the service of the machine does not serve runs daemons of their own and joins`() async throws
  {
    try await PrivateSystem.with { system in
      // 9: the user exists.
      #expect(try await [0, 9].contains(system.run("/usr/sbin/useradd", "--system", "p2p").status))
      try await configure(
        system,
        "[index]\nlisten = \"127.0.0.1:0\"\n[network]\nopen = false\n[peers.\(system.bob)]\n[peers.daemon]\n")
      #expect(try await system.startSupervisor() == nil)
      let alice = system.alice
      let listed = try await system.run(as: alice, Self.p2pctl, "list")
      #expect(listed.status == 69 && listed.errors.contains("p2pctl supervisor start"), "\(listed)")
      let doctor = try await system.run(as: alice, Self.p2pctl, "doctor")
      #expect(doctor.output.contains("or start your own: p2pctl supervisor start"), "\(doctor)")
      let stopped = try await system.run(as: alice, Self.p2pctl, "supervisor", "stop")
      #expect(stopped.status == 0 && stopped.errors.contains("nothing to stop"), "\(stopped)")

      let ticket = try await system.run(Self.p2pctl, "network", "invite").lines.first ?? ""
      let joined = try await system.run(as: alice, Self.p2pctl, "join", ticket)
      #expect(joined.status == 0 && joined.output.contains("joined the network"), "\(joined)")
      #expect(try await system.run(as: alice, Self.p2pctl, "list").status == 0)
      #expect(try await system.run(as: alice, Self.p2pctl, "doctor").output.contains("the supervisor answers"))
      #expect(try await system.run(as: alice, Self.p2pctl, "supervisor", "stop").status == 0)
      let logs = try await system.run(as: alice, Self.p2pctl, "logs")
      #expect(logs.status == 0 && logs.output.contains("peer=\(alice)"), "\(logs)")

      let again = try await system.run(
        as: alice, Self.p2pctl, "supervisor", "start", "--index", "127.0.0.1:1", "--peer", "other")
      #expect(again.status == 0 && again.output.contains("other"), "\(again)")
      #expect(try await system.run(as: alice, Self.p2pctl, "supervisor", "stop").status == 0)
      #expect(try await processes(system).keys.contains(system.bob), "the service is left alone")
    }
  }

  @Test func `unknown users are refused`() async throws {
    try await PrivateSystem.with { system in
      let message = try await system.startSupervisor("--index", "127.0.0.1:1", "--peer", "nosuchuser")
      #expect(message?.contains("not in /etc/passwd") == true, "\(message ?? "it runs")")
      try await configure(system, "[index]\nuser = \"nosuchuser\"\n")
      #expect(try await system.startSupervisor()?.contains("the index cannot run as user nosuchuser") == true)
    }
  }
}
