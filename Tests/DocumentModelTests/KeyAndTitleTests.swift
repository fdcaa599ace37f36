import DocumentModel
import Testing

@Suite struct KeyAndTitleTests {
  @Test(arguments: [
    "rfc/793", "rfc/0", "file/paper.pdf", "data/cats/0001.jpg", "file/čeština.txt", "a-1/...", "file/a b",
    "file/a/.b/c.d",
  ])
  func takesKeys(_ text: String) throws {
    #expect(try DocumentKey(text).text == text)
  }

  @Test(arguments: [
    "", "793", "/x", "rfc/", "rfc/0793", "rfc/x", "RFC/1", "file//x", "file/./x", "file/../x", "file/a/", "file/a\u{7}",
    "file/e\u{301}", "file/\u{85}", "abcdefghijabcdefghijabcdefghijabc/x", "a_b/x", "file/..", "file/./", "file/a/.",
    "rfc/1/2", "rfc/00", "rfc/-1", "file/\u{7F}",
  ])
  func refusesKeys(_ text: String) {
    #expect(throws: InvalidValue.self) { try DocumentKey(text) }
  }

  @Test func refusesNamesThatAreTooLong() throws {
    _ = try DocumentKey("file/" + String(repeating: "x", count: 512))
    #expect(throws: InvalidValue.self) { try DocumentKey("file/" + String(repeating: "x", count: 513)) }
  }

  @Test(arguments: [("793", "rfc/793"), ("rfc/0793", "rfc/793"), ("000", "rfc/0"), ("file/e\u{301}", "file/\u{e9}")])
  func normalisesWhatPeopleType(_ typed: String, _ key: String) throws {
    #expect(try DocumentKey(normalizing: typed).text.unicodeScalars.elementsEqual(key.unicodeScalars))
  }

  @Test func partsOfAKey() throws {
    let key = try DocumentKey("data/cats/0001.jpg")
    #expect(key.collection == "data")
    #expect(key.name == "cats/0001.jpg")
    #expect(key.suggestedFileName == "0001.jpg")
    #expect(DocumentKey(rfc: 793).suggestedFileName == "rfc793.txt")
  }

  @Test func aSlashIsASlashWhateverStandsOnIt() throws {
    let key = try DocumentKey("file/\u{301}x/\u{301}y")
    #expect(key.collection == "file")
    #expect(key.name.unicodeScalars.elementsEqual("\u{301}x/\u{301}y".unicodeScalars))
    #expect(key.suggestedFileName.unicodeScalars.elementsEqual("\u{301}y".unicodeScalars))
  }

  @Test(arguments: ["a\u{202E}b", "a\u{1B}[2J", "a\nb", "e\u{301}"])
  func refusesTitles(_ text: String) {
    #expect(throws: InvalidValue.self) { try Title(text) }
  }

  @Test func makesTitlesOfAnything() throws {
    #expect(Title(normalizing: "  Host\n  Software\u{202E}\u{1B} ").text == "Host Software")
    let long = Title(normalizing: String(repeating: "é", count: 600))
    #expect(long.text.utf8.count == 512)
    _ = try Title(long.text)
  }

  @Test func escapesWhatWouldDriveATerminal() {
    #expect(TextRules.escapedForTerminal("a\u{1B}[2J\u{202E}b") == "a\\u{1B}[2J\\u{202E}b")
    #expect(TextRules.escapedForTerminal("čeština 日本") == "čeština 日本")
  }
}
