// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Without /proc a Swift program does not see its arguments.
@Suite struct MissingProcTests {
  private static var canMount: Bool { system("/usr/bin/unshare --mount true 2>/dev/null") == 0 }

  @Test(
    .enabled("needs the right to create mount namespaces") { canMount },
    arguments: ["p2p-supervisor", "p2p-index", "p2p-peer", "p2pctl"])
  func `a program that cannot read its command line says so`(name: String) async throws {
    let script = #"mount -t tmpfs none /proc && exec "$@""#
    let outcome = try await Program(path: "/usr/bin/unshare", environment: ["PATH": "/usr/bin:/bin"]).run(
      "--mount", "/bin/sh", "-c", script, "sh", Program(name).path, "--version")
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors.contains("/proc/self/cmdline: is /proc mounted?"))
  }
}
