// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// An index of a closed network whose state was lost, or is in reach of other users, does not start as a new one.
@Suite struct IndexStateTests {
  private let directory: TemporaryDirectory
  private let program: Program
  private var arguments: [String] {
    ["--listen", "127.0.0.1:0", "--state", directory.file("index"), "--control", directory.file("index.sock")]
  }

  init() throws {
    directory = try TemporaryDirectory()
    program = try Program("p2p-index")
  }

  /// Starts it and ends it when it serves.
  private func serveOnce() async throws -> Bool {
    let output = directory.file("output")
    let pid = try program.start(arguments, output: output)
    let serves = await eventually(within: .seconds(30)) {
      String(decoding: TemporaryDirectory.read(output + ".err") ?? [], as: UTF8.self).contains("serves members only")
    }
    kill(pid, SIGTERM)
    return await Program.wait(for: pid, .seconds(30)) == 0 && serves
  }

  private func remove(_ names: String...) {
    for name in names { unlink(directory.file("index/\(name)")) }
  }

  @Test(arguments: ["network.sqlite", "key.pem"])
  func `an index that has lost its members or its key refuses to start`(lost: String) async throws {
    #expect(try await serveOnce())
    #expect(try await serveOnce(), "again with what is there")
    remove(lost)
    let outcome = try await program.run(arguments)
    #expect(outcome.status == 1 && outcome.errors.contains("restore your copy"), "\(outcome)")
    #expect(outcome.errors.contains(directory.file("index/begun")))
    #expect(access(directory.file("index/\(lost)"), F_OK) != 0, "nothing is made in its place")
    // As the message says.
    remove("network.sqlite", "begun")
    #expect(try await serveOnce())
  }

  @Test func `an index does not take a key that does not fit its members`() async throws {
    #expect(try await serveOnce())
    let other = try TemporaryDirectory()
    let outcome = try await program.run("--listen", "127.0.0.1:0", "--state", other.path, "--control", other.path)
    #expect(outcome.status == 1, "it has made a key, but its socket is a directory")
    let key = try #require(TemporaryDirectory.read(other.file("key.pem")))
    _ = try directory.write("index/key.pem", key)
    let refused = try await program.run(arguments)
    #expect(refused.status == 1 && refused.errors.contains("belongs to the index"), "\(refused)")
  }

  @Test func `a state directory that others can write is refused`() async throws {
    #expect(try await serveOnce())
    chmod(directory.file("index"), 0o777)
    let outcome = try await program.run(arguments)
    #expect(outcome.status == 1 && outcome.errors.contains("chmod go-w"), "\(outcome)")
    chmod(directory.file("index"), 0o755)
    #expect(try await serveOnce())
  }
}
