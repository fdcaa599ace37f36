// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A page of the written protocol: its text and its examples.
package struct WrittenProtocol {
  package struct Example: Sendable, CustomStringConvertible {
    /// A request (→) as opposed to a reply or an event (←).
    package let isRequest: Bool
    /// The line on the wire, with values for the placeholders.
    package let line: String

    package var description: String { (isRequest ? "→ " : "← ") + line }
    package var bytes: [UInt8] { Array(line.utf8) }
  }

  /// Values for the placeholders in the examples.
  package static let values = [
    "<root>": String(repeating: "0a", count: 32), "<alice>": String(repeating: "a1", count: 32),
    "<bob>": String(repeating: "b2", count: 32), "<cursor>": "Y3Vyc29y",
    "<index>": String(repeating: "c1", count: 32), "<secret>": "00112233445566778899aabbccddeeff",
    "<ticket>": ticket, "<pass>": pass, "<key>": key,
  ]

  /// Of the index `<index>` with the secret `<secret>`.
  private static let ticket =
    "p2p-join:eyJhZGRyZXNzZXMiOlsiMTkyLjAuMi4xOjc3MzQiXSwiaW5kZXgiOiJjMWMxYzFjMWMxYzFjMWMxYzFjMWMxYzFjMWM"
    + "xYzFjMWMxYzFjMWMxYzFjMWMxYzFjMWMxYzFjMWMxYzFjMWMxIiwic2VjcmV0IjoiMDAxMTIyMzM0NDU1NjY3Nzg4OTlhYWJiY2N"
    + "kZGVlZmYiLCJyb2xlIjoicmVhZGVyIiwiZXhwaXJlcyI6IjIwMjYtMDMtMDhUMTI6MDA6MDBaIn0"
  /// Of `<alice>` as a reader; the signature is none.
  private static let pass =
    "eyJuZXR3b3JrIjoiYzFjMWMxYzFjMWMxYzFjMWMxYzFjMWMxYzFjMWMxYzFjMWMxYzFjMWMxYzFjMWMxYzFjMWMxYzFjMWMxYzFj"
    + "MSIsInBlZXIiOiJhMWExYTFhMWExYTFhMWExYTFhMWExYTFhMWExYTFhMWExYTFhMWExYTFhMWExYTFhMWExYTFhMWExYTFhMWEx"
    + "Iiwicm9sZSI6InJlYWRlciIsImV4cGlyZXMiOiIyMDI2LTAzLTAxVDEyOjEwOjAwWiJ9.AAECAwQFBgcICQoLDA0ODxAREhMUFRY"
    + "XGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-Pw"
  private static let key =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
    + "MDEyMzQ1Njc4OTo7PD0-Pw"

  package let text: String
  package let examples: [Example]

  /// - Parameter page: file name without `.md`.
  package init(page: String) throws {
    let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Sources/WireProtocol/WireProtocol.docc")
    text = try String(contentsOf: directory.appending(path: "\(page).md"), encoding: .utf8)
    examples = try Self.examples(in: text)
  }

  /// Every line between fences must be an example.
  private static func examples(in text: String) throws -> [Example] {
    var examples = [Example]()
    var isFenced = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        isFenced.toggle()
      } else if isFenced {
        guard let arrow = line.first, arrow == "→" || arrow == "←", line.dropFirst().first == " " else {
          throw RawConnection.Failure(description: "not an example: \(line)")
        }
        examples.append(Example(isRequest: arrow == "→", line: replacingPlaceholders(in: line.dropFirst(2))))
      }
    }
    return examples
  }

  private static func replacingPlaceholders(in line: Substring) -> String {
    values.reduce(String(line)) { $0.replacing($1.key, with: $1.value) }
  }

  /// Whether the page has a section of this name.
  package func describes(_ operation: String) -> Bool {
    text.contains("\n### \(operation)\n")
  }

  /// The cells of the table row that starts with this name in code font.
  package func row(_ name: String) -> [String]? {
    text.split(separator: "\n").first { $0.hasPrefix("| `\(name)` |") }
      .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
  }
}
