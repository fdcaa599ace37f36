// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// The completion scripts in their shells, if installed.
@Suite struct ShellCompletionTests {
  private static let ask = """
    source <(p2pctl --generate-completion-script bash)
    complete -p p2pctl >/dev/null || exit 9
    COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=(p2pctl) COMP_CWORD=1
    _p2pctl
    printf '%s\\n' "${COMPREPLY[@]}"
    """

  private func bash(_ line: String, home: String) async throws -> [String] {
    let bash = try #require(
      Program(
        ofSystem: "/bin/bash",
        environment: ["PATH": "\(try Program.builtProducts()):/usr/bin:/bin", "P2P_HOME": home, "LC_ALL": "C.UTF-8"]))
    let outcome = try await bash.run("-c", Self.ask, "bash", line)
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty, "\(outcome.errors)")
    return outcome.lines
  }

  @Test func `bash completes verbs, options, keys and peers`() async throws {
    try await Installation.with(peers: ["alice"]) { system in
      for name in ["two words.txt", "日本.txt", "it's $5.txt"] { try system.directory.write(name, Array(name.utf8)) }
      try await system.run("alice", "add", "-r", ".", "--key", "file/")
      let home = system.home.path
      #expect(try await bash("p2pctl supervisor st", home: home) == ["status", "start", "stop"])
      #expect(try await bash("p2pctl get --fr", home: home) == ["--from"])
      #expect(try await bash("p2pctl get file/tw", home: home) == [#"file/two\ words.txt"#])
      #expect(try await bash(#"p2pctl get "file/two w"#, home: home) == ["file/two words.txt"])
      #expect(try await bash("p2pctl remove file/it", home: home) == [#"file/it\'s\ \$5.txt"#])
      #expect(try await bash("p2pctl get file/日", home: home) == ["file/日本.txt"])
      #expect(try await bash("p2pctl get x --from=al", home: home) == ["alice"])
      #expect(try await bash("p2pctl logs in", home: home) == ["index"])
      #expect(try await bash("p2pctl dance ", home: home) == [])
    }
  }

  @Test(arguments: [("zsh", "/usr/bin/zsh", "-n"), ("fish", "/usr/bin/fish", "--no-execute")])
  func `other shells accept their script`(shell: String, path: String, option: String) async throws {
    guard let program = Program(ofSystem: path) else { return }
    let directory = try TemporaryDirectory()
    let script = try await Program("p2pctl").run("--generate-completion-script", shell)
    #expect(script.status == 0)
    let file = try directory.write("script", Array(script.output.utf8))
    let outcome = try await program.run(option, file)
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty, "\(outcome.errors)")
  }
}
