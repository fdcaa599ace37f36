// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import DocumentTitles
import Testing

/// The headers that half a century of RFCs put above their titles, and what stood below.
@Suite struct LayoutTests {
  struct Header: CustomTestStringConvertible {
    let name: String
    let lines: [String]
    var testDescription: String { name }
  }

  private static let number: UInt32 = 4001

  static let headers = [
    Header(
      name: "1970, number sign, date in the left column",
      lines: [
        "Network Working Group                               A. Writer (UCLA)",
        "Request for Comments # 4001                         B. Author (UCLA)",
        "June 18, 1970                                     C. Third (Harvard)",
      ]),
    Header(
      name: "1970, the date in a block of its own",
      lines: [
        "Network Working Group                              A. Writer (Harvard)",
        "Request for Comments #4001                         B. Author (Harvard)", "",
        "                                                   June 19, 1970",
      ]),
    Header(
      name: "1971, categories",
      lines: [
        "NETWORK WORKING GROUP                                   A. WRITER",
        "REQUEST FOR COMMENTS #4001                              MITRE",
        "NIC #7625                                               20 SEPT 71", "CATEGORIES: D.3", "UPDATES: NONE",
        "OBSOLETES: NONE",
      ]),
    Header(
      name: "1973, RFC # and NIC #",
      lines: [
        "Network Working Group                                      Writer",
        "RFC # 4001                                                 SRI-ARC",
        "NIC # 15496                                                April 5, 1973",
      ]),
    Header(
      name: "1979, what is replaced in a block of its own, over two lines",
      lines: [
        "Network Working Group                                          A. Writer",
        "Request for Comments: 4001                                       USC-ISI",
        "IEN: 117                                                     August 1979", "", "Obsoletes RFCs:  755,",
        "750,739, 604, 503, 433, 349", "Obsoletes IENs:  93",
      ]),
    Header(
      name: "1985, what is replaced above the date",
      lines: [
        "Network Working Group                                          A. Writer",
        "Request for Comments: 4001                                     B. Author",
        "                                                                     ISI",
        "Obsoletes RFC: 765 (IEN 149)                                October 1985",
      ]),
    Header(
      name: "1985, a page with nothing but the name of a file before it",
      lines: [
        "---------", "", "< PROJECT, WRITER-RFC.NLS.6, >, 11-Jun-85 21:31-PDT ABC ;;;;", "", "",
        "Writer                                                          [Page 0]", "\u{C}", "",
        "Network Working Group                                         A. B. Writer",
        "Request for Comments: 4001                  University of Pennsylvania",
        "                                                               June 1985",
      ]),
    Header(
      name: "1987, what is replaced below the date",
      lines: [
        "Network Working Group                                        A. Writer",
        "Request for Comments: 4001                                   B. Author",
        "                                                                     ISI",
        "                                                             August 1987", "",
        "Obsoletes: RFCs 084, 100, 160, 170, 200, 598, 699, 800, 899, 999",
      ]),
    Header(
      name: "1990, authors in a block of their own",
      lines: [
        "Network Working Group", "Request for Comments: 4001", "",
        "                                              A. Writer",
        "                                              Example Institute",
        "                                              March 1990",
      ]),
    Header(
      name: "1996, a subseries",
      lines: [
        "Network Working Group                                          A. Writer",
        "Request for Comments: 4001                                     DayDreams",
        "BCP: 99                                                    October 1996", "Category: Best Current Practice",
      ]),
    Header(
      name: "2003, a long list of what is replaced, a long affiliation",
      lines: [
        "Network Working Group                                          A. Writer",
        "Request for Comments: 4001      University of Washington, Dept. of Birds",
        "Obsoletes: 1064, 1176, 1203, 1730, 2060, 2061, 2062, 2086,    B. Author",
        "           2095, 2195, 2222, 2554                             March 2003", "Updates: 1891, 1892 (if approved)",
        "Category: Standards Track",
      ]),
    Header(
      name: "2010, the stream of the IETF",
      lines: [
        "Internet Engineering Task Force (IETF)                    A. Writer, Ed.",
        "Request for Comments: 4001                                       Example",
        "STD: 66                                                        B. Author",
        "Obsoletes: 2732, 2396, 1808                                      Nowhere",
        "Category: Standards Track                                   January 2010", "ISSN: 2070-1721",
      ]),
    Header(
      name: "2015, the stream of the IAB",
      lines: [
        "Internet Architecture Board (IAB)                              A. Writer",
        "Request for Comments: 4001                                     B. Author",
        "Category: Informational                                         May 2015", "ISSN: 2070-1721",
      ]),
    Header(
      name: "2016, the stream of the IRTF",
      lines: [
        "Internet Research Task Force (IRTF)                            A. Writer",
        "Request for Comments: 4001                                     Example U",
        "Category: Experimental                                     February 2016", "ISSN: 2070-1721",
      ]),
    Header(
      name: "2018, an independent submission",
      lines: [
        "Independent Submission                                         A. Writer",
        "Request for Comments: 4001                                  1 April 2018", "Category: Informational",
        "ISSN: 2070-1721",
      ]),
  ]

  static let titles: [[String]] = [
    ["Homing Pigeons"],
    ["ID"],
    ["A Protocol for Documents Carried by Homing Pigeons (DCHP) and Birds"],
    ["Carrying Documents by Homing Pigeon:", "Part One:", "The Flight of the Pigeon"],
    ["Introduction to Version 2 of the Pigeon Framework"],
    ["Overview and Principles of Flight"],
    ["Abstract Bird Notation (ABN)"],
    ["Updates to RFC 3999"],
    ["Report of the Workshop on Pigeons,", "October 12-14, 1994"],
    ["Extensions to Flight:", "by Reference"],
    ["Key Words for Use in RFCs"],
    ["802.1X Birds", "over 1000 Miles"],
    ["Registration of the \"coo\" Type", "(version 1.0)"],
    ["BCP 78 and the Birds:", "Status of the Nest"],
  ]

  static let endings: [[String]] = [
    ["Status of This Memo", "", "   This memo provides information for the community of birds."],
    ["STATUS OF THIS MEMO", "", "   This memo is for birds."],
    ["Abstract", "", "   This document describes birds."],
    ["1.  Introduction", "", "   Birds fly."],
    ["                           Table of Contents", "", "   1. Introduction ... 1"],
    ["                              1. PREFACE", "", "   Birds, as everybody knows, fly,", "   and do so in the air."],
    ["   This paragraph begins at once, without a heading, and goes on for more", "   than a line."],
  ]

  private func title(_ lines: [String], number: UInt32 = Self.number) -> String? {
    RFCText.recognise(fileName: "rfc\(number).txt", bytes: Array(lines.joined(separator: "\n").utf8))?.title?.text
  }

  private func centred(_ line: String) -> String {
    String(repeating: " ", count: max(0, (72 - line.count) / 2)) + line
  }

  /// Each title and each ending at least once.
  private static let cases = (0..<max(titles.count, endings.count)).map {
    (lines: titles[$0 % titles.count], ending: endings[$0 % endings.count])
  }

  @Test(arguments: headers)
  func `centred title is recognised`(below header: Header) {
    for (lines, ending) in Self.cases {
      let text = header.lines + ["", ""] + lines.map(centred) + [""] + ending
      #expect(title(text) == lines.joined(separator: " "), "above \(ending[0])")
      #expect(title(["", "", "", ""] + text) == title(text))
    }
  }

  @Test(arguments: headers)
  func `title at the left margin is recognised`(below header: Header) {
    for (lines, ending) in Self.cases {
      let text = header.lines + [""] + lines + [""] + ending
      #expect(title(text) == lines.joined(separator: " "), "above \(ending[0])")
    }
  }

  @Test(arguments: headers)
  func `lines of a title may be separated`(below header: Header) {
    let lines = ["Request for Birds Summary", "Bird Numbers 3900-3999"]
    let text =
      header.lines + ["", "", centred(lines[0]), "", centred(lines[1]), "", "Status of This Memo", "", "   Text."]
    #expect(title(text) == lines.joined(separator: " "))
  }

  @Test func `heading of the first paragraph is not part of the title`() {
    let header =
      Array(Self.headers[0].lines.dropLast()) + [
        "                                                               June 1970"
      ]
    let text =
      header + [
        "", "", centred("Third Level Protocol"), "", centred("Logger of Birds"), "", centred("General Description"), "",
        "In our view of the world each bird has a set of four wings to allow a", "nest to communicate.",
      ]
    #expect(title(text) == "Third Level Protocol Logger of Birds")
  }

  @Test func `authors on a front page are not part of the title`() {
    let authors = [centred("Anna Writer"), centred("Bert Author"), "", "", "", centred("Bird Corporation")]
    let rest = ["", "", "Writer & Author                                                 [Page 1]", "\u{C}", "Text."]
    let named = [
      "Network Working Group                          Anna Writer, Bert Author",
      "RFC # 4001                                                           CCA",
      "NIC # 21352                                            December 15, 1973",
    ]
    #expect(title(named + ["", "", "", centred("Bird Design"), "", "", ""] + authors + rest) == "Bird Design")
    let unnamed = ["RFC 4001                                                     August 1974", "NIC 31020"]
    #expect(title(unnamed + ["", "", centred("Bird Design"), ""] + authors + rest) == "Bird Design")
  }

  @Test func `number may follow the authors`() {
    let text = [
      centred("BIRD TRANSFER"), "", centred("Anna Writer"), "", centred("and"), "", centred("Bert Author"), "", "", "",
      centred("RFC 4001"), "", "", centred("May 1981"), "", centred("Institute of Birds"),
    ]
    #expect(title(text) == "BIRD TRANSFER")
  }

  @Test func `authors directly below are not part of the title`() {
    for ending in ["Status of this Memo", "Abstract", "                by"] {
      #expect(title(Self.headers[4].lines + ["", centred("Assigned Birds"), ending]) == "Assigned Birds")
    }
  }

  @Test func `title may directly follow the header`() {
    let header = [
      "Network Working Group                                          A. Writer",
      "Request for Comments:  4001                                          ISI",
      "                                                          September 1981",
    ]
    #expect(title(header + [centred("BIRD MAPPINGS"), centred("-------------"), "", "Text."]) == "BIRD MAPPINGS")
  }

  @Test(arguments: [
    "Obsoletes: 3999", "Obsoletes RFC-3999, RFC-3998", "Updates RFCs 3999 and 3998", "Updates: RFC 3999", "NIC 5620",
    "NIC#: 5620", "STD: 13", "BCP-14", "Category: Informational", "ISSN: 2070-1721", "Related RFCs: 129",
    "Date: 1 May 1971",
  ])
  func `field below the header is not a title`(_ field: String) {
    #expect(title(["RFC 4001", "", field, "", centred("Birds"), "", "Abstract"]) == "Birds")
  }

  @Test(arguments: [
    "Updates to RFC 3999", "Status of Birds", "NICNAME for Birds", "References in Birds",
    "Date and Time of Birds: Stamps",
    "FYI on FYI: Introduction to the FYI Notes", "RFC Editor Model: Birds", "RFC 3978 Update to Recognize Birds",
    "Request for Comments on Birds", "Authorization of Birds",
  ])
  func `title may begin like a field`(_ line: String) {
    #expect(title(Self.headers[11].lines + ["", centred(line), "", "Abstract"]) == line)
  }

  @Test(arguments: [
    "Request for Comments: 4001", "Request For Comment 4001", "Requests for Comments : 4001",
    "Request for Commments: 4001",
    "RFC 4001", "RFC-4001", "RFC: 4001", "RFC #   4001", "NWG/RFC# 4001",
    "Network Working Group Request for Comments: 4001",
    "Request for Comments: 4001  REVISED",
  ])
  func `number is recognised in all its forms`(_ line: String) {
    #expect(title([line, "", centred("Birds"), "", "Abstract"]) == "Birds")
  }

  @Test func `running page header has the title if text follows the header`() {
    let text = [
      "Network Working Group                                          A. Writer",
      "Request for Comments: 4001                                          UCLA",
      "                                                          20 August 1969", "",
      "Referring to RFC 11, it appears that birds over auxiliary connections",
      "will require some mechanism to specify their end.", "",
      "                                                                [Page 1]", "\u{C}",
      "RFC 4001                       Bird of Zero Length                  1969", "", "More text.",
    ]
    #expect(title(text) == "Bird of Zero Length")
  }

  @Test func `stub has a title`() {
    let text =
      Self.headers[3].lines + [
        "", "", centred("LATEST BIRD MAPS"), "", "",
        "[The original consisted of two illustrations, which cannot be shown",
        "using ASCII characters.", "", "Please see the PDF file.]",
      ]
    #expect(title(text) == "LATEST BIRD MAPS")
  }

  @Test func `old titles have no article in the index`() {
    for (number, found) in [(1241, "Scheme for Birds"), (1242, "A Scheme for Birds")] as [(UInt32, String)] {
      let header = "Request for Comments: \(number)"
      #expect(title([header, "", centred("A Scheme for Birds"), "", "Abstract"], number: number) == found)
    }
  }

  @Test func `word broken at the end of a line is joined`() {
    let cases = [
      (["Peer-", "to-Peer Birds"], "Peer-to-Peer Birds"), (["Birds over TCP/", "IP"], "Birds over TCP/IP"),
      (["Birds --", "Part 1"], "Birds -- Part 1"), (["Birds -", "Part 1"], "Birds - Part 1"),
    ]
    for (lines, joined) in cases {
      #expect(title(Self.headers[11].lines + [""] + lines.map(centred) + ["", "Abstract"]) == joined)
    }
  }

  @Test func `final full stop is not part of the title`() {
    #expect(title(Self.headers[3].lines + ["", centred("BIRD MEETING."), "", "Text"]) == "BIRD MEETING")
    #expect(title(Self.headers[3].lines + ["", centred("Best Laid Eggs . . ."), "", "Text"]) == "Best Laid Eggs")
  }
}
