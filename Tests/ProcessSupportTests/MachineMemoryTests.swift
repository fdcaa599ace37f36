// SPDX-License-Identifier: Apache-2.0

import ProcessSupport
import Testing

@Suite struct MachineMemoryTests {
  private let files = [
    "/sys/fs/cgroup/a/b/memory.max": "max\n", "/sys/fs/cgroup/a/memory.max": "1000\n",
    "/sys/fs/cgroup/memory.max": "5000\n", "/sys/fs/cgroup/c/memory.max": "7000\n",
  ]

  @Test(arguments: [
    ("0::/a/b\n", 1000), ("0::/a\n", 1000), ("0::/c\n", 5000), ("0::/\n", 5000), ("1:cpu:/x\n0::/a/b\n", 1000),
    ("0::/unknown\n", 5000),
  ])
  func `least limit of a group and those around it counts`(groups: String, limit: Int) {
    #expect(MachineMemory.limit(ofGroups: groups) { files[$0] } == limit)
  }

  @Test func `without limits there is none`() {
    #expect(MachineMemory.limit(ofGroups: nil) { _ in nil } == .max)
    #expect(MachineMemory.available > 1 << 20)
  }
}
