// SPDX-License-Identifier: Apache-2.0

/// Equality of two runs of bytes: keys are short, so no call leaves the module.
enum ByteComparison {
  @inline(__always)
  static func areEqual(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, count: Int) -> Bool {
    var offset = 0
    while count &- offset >= 8 {
      let leftWord = UnsafeRawPointer(left + offset).loadUnaligned(as: UInt64.self)
      let rightWord = UnsafeRawPointer(right + offset).loadUnaligned(as: UInt64.self)
      if leftWord != rightWord { return false }
      offset &+= 8
    }
    while offset < count {
      if left[offset] != right[offset] { return false }
      offset &+= 1
    }
    return true
  }
}
