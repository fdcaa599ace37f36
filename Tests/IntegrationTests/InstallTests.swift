// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestSupport
import Testing

/// `bin/install` with the executables built beside the tests, into a temporary prefix.
@Suite(.serialized) struct InstallTests {
  private static let checkout = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  private let directory: TemporaryDirectory
  private var prefix: String { directory.file("prefix") }

  init() throws {
    directory = try TemporaryDirectory()
  }

  @discardableResult
  private func install(_ arguments: String..., environment: [String: String] = [:]) async throws -> Program.Outcome {
    let script = Program(path: Self.checkout + "/bin/install", environment: environment, directory: directory.path)
    return try await script.run(arguments)
  }

  /// A directory with executables: scripts by default, because copying the real ones takes long.
  private func built(real: Bool = false) throws -> String {
    let path = directory.file("built")
    mkdir(path, 0o755)
    for program in ["p2p-supervisor", "p2pctl", "p2p-index", "p2p-peer"] {
      // Writing through a link would overwrite the real one.
      unlink("\(path)/\(program)")
      if real {
        try FileManager.default.createSymbolicLink(
          atPath: "\(path)/\(program)", withDestinationPath: Program(program).path)
      } else {
        try directory.write("built/\(program)", Array("#!/bin/sh\n".utf8))
        chmod("\(path)/\(program)", 0o755)
      }
    }
    return path
  }

  /// Every file and directory below a path, relative to it.
  private func contents(_ path: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
  }

  private static let installed = [
    "bin", "bin/p2p-index", "bin/p2p-peer", "bin/p2p-supervisor", "bin/p2pctl",
    "lib", "lib/sysusers.d/p2p.conf", "lib/systemd", "lib/systemd/system", "lib/systemd/system/p2p.service",
    "lib/systemd/user",
    "lib/systemd/user/p2p.service",
    "share", "share/bash-completion/completions/p2pctl", "share/fish/vendor_completions.d/p2pctl.fish",
    "share/zsh/site-functions/_p2pctl", "share/man/man1/p2pctl.1", "share/man/man1/p2pctl-get.1",
    "share/man/man1/p2p-supervisor.1", "share/man/man1/p2p-index.1", "share/man/man1/p2p-peer.1", "share/doc",
    "share/doc/p2p", "share/doc/p2p/CHANGELOG.md", "share/doc/p2p/LICENSE", "share/doc/p2p/README.md",
    "share/doc/p2p/SECURITY.md",
    "share/doc/p2p/p2p.toml", "share/p2p", "share/p2p/manifest",
  ]

  @Test func `installs into an empty prefix and uninstalls`() async throws {
    let outcome = try await install("--executables", built(real: true), prefix)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let missing = Set(Self.installed).subtracting(try contents(prefix))
    #expect(missing.isEmpty)
    let page = try String(contentsOfFile: "\(prefix)/share/man/man1/p2p-supervisor.1", encoding: .utf8)
    #expect(page.hasPrefix(".") && page.contains("serve"))
    // The installed programs run.
    let version = try await Program(path: "\(prefix)/bin/p2p-supervisor").run("--version")
    #expect(version.status == 0 && version.output.hasPrefix("p2p-supervisor "))
    let unit = try String(contentsOfFile: "\(prefix)/lib/systemd/system/p2p.service", encoding: .utf8)
    #expect(unit.contains("\nExecStart=\(prefix)/bin/p2p-supervisor run\n"))
    let printed = try await Program(path: "\(prefix)/bin/p2p-supervisor").run("run", "--print-default-config")
    #expect(printed.output == (try String(contentsOfFile: "\(prefix)/share/doc/p2p/p2p.toml", encoding: .utf8)))

    let removal = try await install("--uninstall", prefix)
    #expect(removal.status == 0, "\(removal.errors)")
    #expect(access(prefix, F_OK) != 0)
    let again = try await install("--uninstall", prefix)
    #expect(again.status == 1 && again.errors.contains("nothing is installed"))
  }

  @Test func `uninstall keeps files of others`() async throws {
    try FileManager.default.createDirectory(atPath: "\(prefix)/share/doc", withIntermediateDirectories: true)
    try await install("--executables", built(), prefix)
    try directory.write("prefix/bin/other", [1])
    try directory.write("prefix/share/doc/p2p/notes", [1])
    #expect(try await install("--uninstall", prefix).status == 0)
    #expect(
      try contents(prefix) == ["bin", "bin/other", "share", "share/doc", "share/doc/p2p", "share/doc/p2p/notes"])
  }

  /// An edited manifest must not cause the removal of other files.
  @Test func `uninstall removes nothing outside the prefix`() async throws {
    try await install("--executables", built(), prefix)
    let victim = try directory.write("victim", [1])
    var manifest = TemporaryDirectory.read("\(prefix)/share/p2p/manifest") ?? []
    manifest += Array("file \(victim)\nfile \(prefix)/bin/../../victim\ndirectory /\n".utf8)
    try directory.write("prefix/share/p2p/manifest", manifest)
    #expect(try await install("--uninstall", prefix).status == 0)
    #expect(access(victim, F_OK) == 0)
  }

  @Test func `files of an earlier version are removed`() async throws {
    try await install("--executables", built(), prefix)
    try directory.write("prefix/bin/p2p-old", [1])
    var manifest = TemporaryDirectory.read("\(prefix)/share/p2p/manifest") ?? []
    manifest += Array("file \(prefix)/bin/p2p-old\n".utf8)
    try directory.write("prefix/share/p2p/manifest", manifest)
    #expect(try await install("--executables", built(), prefix).status == 0)
    #expect(access("\(prefix)/bin/p2p-old", F_OK) != 0)
    #expect(access("\(prefix)/bin/p2pctl", X_OK) == 0)
  }

  @Test func `interrupted installation can be uninstalled`() async throws {
    try FileManager.default.createDirectory(atPath: "\(prefix)/lib", withIntermediateDirectories: true)
    try directory.write("prefix/lib/systemd", [1])
    let outcome = try await install("--executables", built(), prefix)
    #expect(outcome.status != 0)
    #expect(access("\(prefix)/bin/p2pctl", X_OK) == 0)
    #expect(try await install("--uninstall", prefix).status == 0)
    #expect(try contents(prefix) == ["lib", "lib/systemd"])
  }

  @Test func `system prefix gets a configuration that is never replaced`() async throws {
    let stage = directory.file("stage")
    let environment = ["DESTDIR": stage]
    #expect(try await install("--executables", built(), "/usr", environment: environment).status == 0)
    let path = "\(stage)/etc/p2p/p2p.toml"
    #expect(TemporaryDirectory.read(path) == TemporaryDirectory.read("\(Self.checkout)/etc/p2p.toml"))
    let unit = try String(contentsOfFile: "\(stage)/usr/lib/systemd/user/p2p.service", encoding: .utf8)
    #expect(unit.contains("ExecStart=/usr/bin/p2p-supervisor run\n"))
    let own = Array("[peers.alice]\n".utf8)
    try directory.write("stage/etc/p2p/p2p.toml", own)
    #expect(try await install("--executables", built(), "/usr", environment: environment).status == 0)
    #expect(TemporaryDirectory.read(path) == own)
    #expect(try await install("--uninstall", "/usr", environment: environment).status == 0)
    #expect(TemporaryDirectory.read(path) == own)
    #expect(!(try contents(stage).contains { $0.hasSuffix("p2pctl") }))
  }

  @Test func `home prefix gets a user unit`() async throws {
    let home = directory.file("home")
    let outcome = try await install("--executables", built(), "\(home)/.local", environment: ["HOME": home])
    #expect(outcome.status == 0 && outcome.errors.contains("systemctl --user enable --now p2p"))
    #expect(access("\(home)/.local/share/systemd/user/p2p.service", F_OK) == 0)
    #expect(access("\(home)/.local/lib", F_OK) != 0)
  }

  @Test(arguments: [["--nonsense"], ["a", "b"], ["--executables"]]) func `wrong usage exits with 64`(
    arguments: [String]
  )
    async throws
  {
    let script = Program(path: Self.checkout + "/bin/install", directory: directory.path)
    let outcome = try await script.run(arguments)
    #expect(outcome.status == 64 && outcome.errors.contains("Usage: bin/install"))
  }

  @Test func `missing programs are named before anything is written`() async throws {
    let outcome = try await install("--executables", directory.path, prefix)
    #expect(outcome.status == 1 && outcome.errors.contains("p2p-index"))
    #expect(access(prefix, F_OK) != 0)
  }

  // MARK: Units

  @Test(.enabled(if: access("/usr/bin/systemd-analyze", X_OK) == 0, "systemd-analyze is not installed"))
  func `systemd accepts the units`() async throws {
    try await install("--executables", built(), prefix)
    let runtime = directory.file("run")
    mkdir(runtime, 0o700)
    for arguments in [["--system"], ["--user"]] {
      let kind = arguments == ["--user"] ? "user" : "system"
      let outcome = try await Program(path: "/usr/bin/systemd-analyze", environment: ["XDG_RUNTIME_DIR": runtime])
        .run(arguments + ["verify", "\(prefix)/lib/systemd/\(kind)/p2p.service"])
      #expect(outcome.status == 0 && outcome.output.isEmpty && outcome.errors.isEmpty, "\(outcome)")
    }
  }
}
