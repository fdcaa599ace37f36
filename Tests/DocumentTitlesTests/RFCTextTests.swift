// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import DocumentTitles
import Testing

/// One form of front page each.
@Suite struct RFCTextTests {
  private func title(_ lines: String..., number: UInt32 = 9001) -> String? {
    let text = lines.joined(separator: "\n")
    return RFCText.recognise(fileName: "rfc\(number).txt", bytes: Array(text.utf8))?.title?.text
  }

  @Test(
    arguments: [
      ("rfc793.txt", 793), ("RFC0793.TXT", 793), ("rfc1.txt", 1), ("Rfc8446.txt", 8446), ("rfc4294967295.txt", .max),
    ] as [(String, UInt32)])
  func `number is that of the file name`(_ name: String, _ number: UInt32) throws {
    let found = try #require(RFCText.recognise(fileName: name, bytes: []))
    #expect(found.number == number)
    #expect(found.title == nil)
  }

  @Test(arguments: [
    "rfc.txt", "rfc1.pdf", "rfc1txt", "rfc-1.txt", "rfc1a.txt", "xrfc1.txt", "rfc1.txt.bak", "", "rfc4294967296.txt",
    "rfc١.txt", "rfc+1.txt",
  ])
  func `other file names are not RFCs`(_ name: String) {
    #expect(RFCText.recognise(fileName: name, bytes: Array("Title: x".utf8)) == nil)
  }

  @Test func `title is between header and status`() {
    let found = title(
      "", "", "Internet Engineering Task Force (IETF)                      A. Writer",
      "Request for Comments: 9001                                   Example Ltd", "Obsoletes: 12, 34",
      "Category: Standards Track                                     May 2020", "ISSN: 2070-1721", "", "",
      "                 Carrying Documents by Homing Pigeon and", "                        Other Slow Birds", "",
      "Abstract", "", "   Pigeons are slow.")
    #expect(found == "Carrying Documents by Homing Pigeon and Other Slow Birds")
  }

  @Test func `word broken at a hyphen is joined`() {
    let found = title(
      "Network Working Group                                          A. Writer",
      "Request for Comments: 9001                                      May 1999", "",
      "            A Protocol for Peer-", "            to-Peer Networks", "", "1. Introduction")
    #expect(found == "A Protocol for Peer-to-Peer Networks")
  }

  @Test func `field Title is used`() {
    #expect(title("NIC#: 1", "RFC#: 9001", "Title:  Meeting of Birds", "Author: A. Writer") == "Meeting of Birds")
    #expect(title("Title:   ", "Author: B") == nil)
  }

  @Test func `field after the header is not the title`() {
    let found = title(
      "Network Working Group                            A. Writer", "Request for Comments : 9001", "NIC : 10428", "",
      "Categories : Numbers", "References : RFC's 322, 204", "", "                   Numbers of Birds", "", "Text.")
    #expect(found == "Numbers of Birds")
  }

  @Test func `front page of a report has a title`() {
    let found = title(
      "RFC:  9001", "", "                           BIRD PROTOCOL", "", "                       PIGEON PROGRAM", "",
      "                          SPECIFICATION", "", "                         September 1981", "",
      "                              by")
    #expect(found == "BIRD PROTOCOL")
  }

  @Test func `title in two blocks above the date is joined`() {
    let found = title(
      "RFC # 9001", "NIC # 41952", "", "                   STANDARD FOR THE FORMAT OF", "",
      "                       BIRD MESSAGES(1)", "", "                       21 November 1977", "",
      "                               by", "", "                        A. Writer")
    #expect(found == "STANDARD FOR THE FORMAT OF BIRD MESSAGES")
  }

  @Test func `title above the number is recognised`() {
    let found = title(
      "                          Reliable Birds", "", "                            RFC-9001", "",
      "                            A. Writer", "", "                            July 1984")
    #expect(found == "Reliable Birds")
  }

  @Test func `title directly below the header is recognised`() {
    let found = title(
      "Network Working Group                                          A. Writer",
      "Request for Comments:  9001                                          ISI",
      "Replaces: IEN 115                                         September 1981",
      "                             BIRD ADDRESSES", "                             --------------", "",
      "Addresses of Birds", "------------------")
    #expect(found == "BIRD ADDRESSES")
  }

  @Test func `running page header has the title`() {
    let found = title(
      "RFC 9001               Lists of Birds            26 May 1971", "",
      "The following three lists are those to be used for all of the birds", "that are known to us. They are sent by",
      "air mail to all.")
    #expect(found == "Lists of Birds")
    let journal = title(
      "NWG/RFC# 9001                               JEW 14-JAN-76 19:51  34263",
      "NCC 76         High-Level Birds", "", "THE GOAL                                          1", "", "   Text")
    #expect(journal == "High-Level Birds")
  }

  @Test func `leading article of an old title is removed`() {
    let lines = ["Network Working Group", "Request for Comments: 700", "", "               A Possible Bird"]
    #expect(title(lines.joined(separator: "\n"), number: 700) == "Possible Bird")
    #expect(title("Network Working Group", "", "               A Possible Bird", number: 7000) == "A Possible Bird")
  }

  @Test func `terminators, tabs, form feeds and byte order marks do not matter`() {
    let text =
      "\u{FEFF}\r\n\u{C}Network Working Group\t\t\tA. Writer\r\nRequest for Comments: 9001\r\n\r\n"
      + "\t\t\tTabbed  Birds\r\n\r\nAbstract\r\n"
    #expect(title(text) == "Tabbed Birds")
    #expect(title("Network Working Group\r\r                  Old Birds\r\rAbstract\r") == "Old Birds")
  }

  @Test func `bytes that are not UTF-8 are Latin-1`() {
    var bytes = Array("Network Working Group\n\n                  V".utf8)
    bytes.append(0xF6)
    bytes += Array("gel\n\nAbstract\n".utf8)
    #expect(RFCText.recognise(fileName: "rfc9001.txt", bytes: bytes)?.title?.text == "Vögel")
  }

  @Test func `text without a front page has no title`() {
    #expect(title("") == nil)
    #expect(title("Just some text.", "", "And more of it.") == nil)
    #expect(title(String(repeating: "\t", count: 100_000)) == nil)
  }

  @Test func `only the beginning of a file is used`() {
    let far = String(repeating: " \n", count: RFCText.prefixLength) + "Network Working Group\n\n        Far Birds\n"
    #expect(title(far) == nil)
  }
}
