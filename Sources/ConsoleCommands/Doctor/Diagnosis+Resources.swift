// SPDX-License-Identifier: Apache-2.0

import DocumentModel

extension Diagnosis {
  /// Below this, the catalogue cannot grow.
  private static let minFree: Int64 = 64 << 20
  /// Below this, the next large file may fill the disk.
  private static let lowFree: Int64 = 1 << 30
  private static let minFiles: Int64 = 1_000
  private static let minDescriptors = 1_024

  // MARK: Disks

  var disks: [Finding] {
    facts.disks.map { disk in
      let place = "\(disk.path) (\(Quantity.size(disk.free)) free of \(Quantity.size(disk.size)))"
      if disk.isReadOnly {
        return .problem(
          .disk, "the file system of \(disk.path) is read-only", cure: "Check dmesg for the cause, then remount it.")
      }
      if let files = disk.freeFiles, files < Self.minFiles {
        return .problem(
          .disk, "only \(Quantity.count(Int(files), "more file")) can be created at \(disk.path)",
          cure: "Make room there: many small files use up its inodes.")
      }
      if disk.free < Self.minFree {
        return .problem(
          .disk, "too little space at \(place): less than \(Quantity.size(Self.minFree)) are free",
          cure: "Free some space there.")
      }
      if disk.free < Self.lowFree, disk.free < disk.size / 20 {
        return .warning(.disk, "the disk is nearly full at \(place)", cure: "Free some space there soon.")
      }
      return .ok(.disk, "enough space at \(place)")
    }
  }

  // MARK: Descriptors

  var descriptors: [Finding] {
    let findings = facts.descriptors.compactMap(finding)
    guard findings.isEmpty, !facts.descriptors.isEmpty else { return findings }
    let used = facts.descriptors.map { "\($0.process) \($0.open) of \($0.limit)" }
    return [.ok(.descriptors, "enough file descriptors: \(used.joined(separator: ", "))")]
  }

  private func finding(_ descriptors: DoctorFacts.Descriptors) -> Finding? {
    let used = "\(descriptors.process) uses \(descriptors.open) of \(descriptors.limit) file descriptors"
    let cure = "Raise its limit (ulimit -Hn, or LimitNOFILE= in its systemd unit), then restart it."
    if descriptors.open > descriptors.limit / 10 * 9 { return .problem(.descriptors, used, cure: cure) }
    if descriptors.open > descriptors.limit / 10 * 7 { return .warning(.descriptors, used, cure: cure) }
    if descriptors.limit < Self.minDescriptors { return .warning(.descriptors, used, cure: cure) }
    return nil
  }
}
