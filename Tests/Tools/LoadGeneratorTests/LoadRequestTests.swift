// SPDX-License-Identifier: Apache-2.0

import LineJSON
import LoadGenerator
import Testing

@Suite struct LoadRequestTests {
  @Test func speaksLines() throws {
    let request = LoadRequest.lookup("rfc/793")
    #expect(request.bytes.last == UInt8(ascii: "\n") && request.linesOfAnswer == 1)
    let json = try Jansson.decode(Array(request.bytes.dropLast()))
    #expect(json["op"]?.string == "lookup" && json["key"]?.string == "rfc/793")
    #expect(try Jansson.decode(Array(request.greeting.dropLast()))["op"]?.string == "hello")
  }

  @Test func speaksToRedis() {
    #expect(String(decoding: LoadRequest.redisGet("ké").bytes, as: UTF8.self) == "*2\r\n$3\r\nGET\r\n$3\r\nké\r\n")
    let range = LoadRequest.redisRange("rows", count: 100)
    #expect(String(decoding: range.bytes, as: UTF8.self).hasSuffix("$1\r\n0\r\n$2\r\n99\r\n"))
    #expect(range.linesOfAnswer == 201 && range.greeting.isEmpty)
  }

  @Test(
    arguments: [
      ("+DT:sha256:1:16384\n+F:25:sha256:1525973333.33\n", 1_525_973_333.33), ("", nil), ("+F:25:sha256:x", nil),
    ] as [(String, Double?)])
  func readsOpenSSL(output: String, rate: Double?) {
    #expect(OpenSSLSpeed.bytesPerSecond(in: output) == rate)
  }
}
