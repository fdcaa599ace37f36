// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import Testing

@Suite struct UserDatabaseTests {
  private let users = UserDatabase(
    passwd: """
      root:x:0:0::/root:/bin/sh
      short
      nan:x:y:1:
      minus:x:-1:1:
      alice:x:1000:1001:Alice, of course:/home/alice:/bin/sh

      alice:x:7:7::/:
      bob:x:1000:1002::/home/bob:
      """,
    group:
      "alice:x:1001:\nvideo:x:44:bob,alice\naudio:x:29:malice\nbad:x:y:alice\nown:x:1001:alice\nwheel:x:9:alice,alice\n"
  )

  @Test func `first row of a name or a number counts`() {
    let alice = users.user(named: "alice")
    #expect(alice?.name == "alice" && alice?.id == 1000 && alice?.group == 1001)
    #expect(users.user(id: 1000)?.name == "alice")
    #expect(users.user(id: 0)?.name == "root")
  }

  @Test(arguments: ["", "short", "nan", "minus", "nobody", "ALICE", "alice:x"])
  func `malformed and unknown users are not found`(name: String) {
    #expect(users.user(named: name) == nil)
  }

  @Test func `supplementary groups leave out the primary one and malformed rows`() throws {
    let alice = try #require(users.user(named: "alice"))
    #expect(users.supplementaryGroups(of: alice) == [44, 9])
    #expect(users.supplementaryGroups(of: try #require(users.user(named: "root"))) == [])
  }

  @Test func `number of groups is bounded`() {
    let rows = (0..<2_000).map { "g\($0):x:\($0):alice" }.joined(separator: "\n")
    let users = UserDatabase(passwd: "alice:x:1:5000:::", group: rows)
    #expect(users.user(named: "alice").map(users.supplementaryGroups)?.count == 1_024)
  }

  @Test func `the machine's own root is found`() {
    #expect(UserDatabase.current().user(id: 0)?.name == "root")
  }
}
