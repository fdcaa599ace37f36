// SPDX-License-Identifier: Apache-2.0

import LineJSON

/// The protocol number in `hello`, which all planes check in the same way.
enum HelloProtocol {
  static func check(_ line: JSONObject) throws(WireFailure) {
    let number = try line.integer("protocol", in: 0...Int64(Int32.max))
    guard number == ProtocolVersion.wire else {
      throw WireFailure(
        .unsupportedProtocol, "protocol \(number) is not spoken here, \(ProtocolVersion.wire) is")
    }
  }
}
