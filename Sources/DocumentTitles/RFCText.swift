// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Number and title of an RFC, out of the name and the first bytes of its text file.
package enum RFCText {
  /// How much of a file is looked at, in bytes: the first page holds the title, the next ones the running page header.
  package static let prefixLength = 65_536

  /// The number is that of the file name: `rfcN.txt`, in any case, zeros before it allowed; `nil` for other names. The
  /// title is what the text's front page says, by rules about its form; `nil` where they find none.
  package static func recognise(fileName: String, bytes: [UInt8]) -> (number: UInt32, title: Title?)? {
    guard let number = number(fileName: fileName) else { return nil }
    let page = FrontPage(bytes: bytes.prefix(prefixLength), number: number)
    let title = page.title.map { Title(normalizing: $0) }
    return (number, title == .empty ? nil : title)
  }

  private static func number(fileName: String) -> UInt32? {
    let name = Array(fileName.lowercased().utf8)
    let (prefix, suffix) = (Array("rfc".utf8), Array(".txt".utf8))
    guard name.starts(with: prefix), name.suffix(suffix.count).elementsEqual(suffix) else { return nil }
    let digits = name.dropFirst(prefix.count).dropLast(suffix.count)
    guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return UInt32(String(decoding: digits, as: UTF8.self))
  }
}
