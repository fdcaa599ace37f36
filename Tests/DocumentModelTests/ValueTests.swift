import DocumentModel
import Testing

@Suite struct ValueTests {
  private let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

  @Test func digestsKeepTheirBytes() throws {
    let digest = try #require(Digest(hex: hex))
    #expect(digest.hex == hex)
    #expect(digest.bytes == Array(0...30) + [255])
    #expect(Digest(bytes: digest.bytes) == digest)
    #expect(Digest.zero < digest)
  }

  @Test func digestsRefuseOtherLengthsAndDigits() {
    #expect(Digest(hex: String(hex.dropLast())) == nil)
    #expect(Digest(hex: hex + "0") == nil)
    #expect(Digest(hex: hex.uppercased()) == nil)
    #expect(Digest(bytes: [1, 2]) == nil)
    #expect(Digest(bytes: Array(repeating: 0, count: 33)) == nil)
  }

  @Test func contentNeedsRootAndSizeThatBelongTogether() throws {
    let root = try #require(Digest(hex: hex))
    #expect(Content(root: root, size: 1) != nil)
    #expect(Content(root: root, size: 0) == nil)
    #expect(Content(root: .zero, size: 1) == nil)
    #expect(Content(root: .zero, size: 0) == .empty)
    #expect(Content(root: root, size: -1) == nil)
    #expect(Content(root: root, size: 1 << 53) == nil)
  }

  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1981-09-01T00:00:00Z", 368_150_400), ("2000-02-29T23:59:59Z", 951_868_799),
      ("0001-01-01T00:00:00Z", -62_135_596_800), ("9999-12-31T23:59:59Z", 253_402_300_799),
    ] as [(String, Int64)])
  func timesAreReadAndWritten(_ text: String, _ seconds: Int64) throws {
    #expect(try Timestamp(text).seconds == seconds)
    #expect(Timestamp(seconds: seconds).text == text)
  }

  @Test func timesWithOffsetAndFraction() throws {
    #expect(try Timestamp("1970-01-01T02:00:00.25+02:00").seconds == 0)
  }

  @Test(arguments: [
    "", "1981-09-01", "1981-13-01T00:00:00Z", "1981-02-29T00:00:00Z", "1981-09-01T24:00:00Z", "1981-09-01T00:00:00",
    "1981-09-01T00:00:00.Z", "0000-01-01T00:00:00Z", "1981-09-01T00:00:00+1:00", "1981-09-01T00:00:00Zx",
  ])
  func refusesTimes(_ text: String) {
    #expect(throws: InvalidValue.self) { try Timestamp(text) }
  }

  @Test(arguments: ["alice", "_a", "A.b-c_9"])
  func takesPeerNames(_ text: String) throws {
    #expect(try PeerName(text).text == text)
  }

  @Test(arguments: ["", "index", "supervisor", ".a", "-a", "a/b", "é", String(repeating: "a", count: 33)])
  func refusesPeerNames(_ text: String) {
    #expect(throws: InvalidValue.self) { try PeerName(text) }
  }

  @Test(
    arguments: [
      ("127.0.0.1:80", "127.0.0.1", 80), ("[::1]:80", "::1", 80), (":7734", "", 7734), ("h", "h", 7734),
      ("[::1]", "::1", 7734),
    ] as [(String, String, UInt16)])
  func readsEndpoints(_ text: String, _ host: String, _ port: UInt16) throws {
    #expect(try Endpoint(text, defaultPort: 7734) == Endpoint(host: host, port: port))
  }

  @Test(arguments: ["h:", "h:65536", "h:x", "::1:80", "[::1", "[::1]x", "a b:1", "h"])
  func refusesEndpoints(_ text: String) {
    #expect(throws: InvalidValue.self) { try Endpoint(text) }
  }

  @Test(arguments: ["", ":7734", "h:0", "[]:7734"])
  func refusesToConnectToNowhere(_ text: String) throws {
    _ = try Endpoint(text, defaultPort: 7734)
    #expect(throws: InvalidValue.self) { try Endpoint(destination: text, defaultPort: 7734) }
  }
}
