// SPDX-License-Identifier: Apache-2.0

import DocumentModel

extension Diagnosis {
  /// Too little for a catalogue to grow.
  private static let leastFree: Int64 = 64 << 20
  /// So little that the next large file may fill it.
  private static let littleFree: Int64 = 1 << 30
  private static let leastFiles: Int64 = 1_000
  private static let leastDescriptors = 1_024

  // MARK: Disks

  var disks: [Finding] {
    facts.disks.map { disk in
      let place = "\(disk.path) (\(Quantity.size(disk.free)) free of \(Quantity.size(disk.size)))"
      if disk.isReadOnly {
        return .problem(
          .disk, "the file system of \(disk.path) is read-only", cure: "Look into dmesg for why, and mount it anew.")
      }
      if let files = disk.freeFiles, files < Self.leastFiles {
        return .problem(
          .disk, "only \(Quantity.count(Int(files), "more file")) can be made at \(disk.path)",
          cure: "Delete small files there, or move to a larger file system.")
      }
      if disk.free < Self.leastFree {
        return .problem(.disk, "the disk is full at \(place)", cure: "Make room there.")
      }
      if disk.free < Self.littleFree, disk.free < disk.size / 20 {
        return .warning(.disk, "the disk is nearly full at \(place)", cure: "Make room there soon.")
      }
      return .ok(.disk, "there is room at \(place)")
    }
  }

  // MARK: Descriptors

  var descriptors: [Finding] {
    let findings = facts.descriptors.compactMap(finding)
    guard findings.isEmpty, !facts.descriptors.isEmpty else { return findings }
    let used = facts.descriptors.map { "\($0.process) \($0.open) of \($0.limit)" }
    return [.ok(.descriptors, "enough descriptors: \(used.joined(separator: ", "))")]
  }

  private func finding(_ descriptors: DoctorFacts.Descriptors) -> Finding? {
    let used = "\(descriptors.process) uses \(descriptors.open) of \(descriptors.limit) descriptors"
    let cure = "Raise the limit where it is started: ulimit -Hn, or LimitNOFILE= of its systemd unit; then restart it."
    if descriptors.open > descriptors.limit / 10 * 9 { return .problem(.descriptors, used, cure: cure) }
    if descriptors.open > descriptors.limit / 10 * 7 { return .warning(.descriptors, used, cure: cure) }
    if descriptors.limit < Self.leastDescriptors { return .warning(.descriptors, used, cure: cure) }
    return nil
  }
}
