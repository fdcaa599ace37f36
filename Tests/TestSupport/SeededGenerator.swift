// SPDX-License-Identifier: Apache-2.0

/// SplitMix64 (Steele, Lea, Flood 2014): a seed always gives the same numbers.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  /// An independent generator for one part of a run. Draws from one do not change the other.
  package func branch(_ number: UInt64) -> SeededGenerator {
    var mixer = SeededGenerator(seed: state ^ (number &+ 1) &* 0xD6E8_FEB8_6659_FD93)
    return SeededGenerator(seed: mixer.next())
  }

  /// True with probability 1 / `count`.
  package mutating func once(in count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

  /// - Parameter elements: at least one.
  package mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: 0..<elements.count, using: &self)]
  }

  /// A choice by weight; `nil` if the sum of the weights is 0.
  package mutating func pick<Choice>(weighted choices: [(choice: Choice, weight: Int)]) -> Choice? {
    let total = choices.reduce(0) { $0 + $1.weight }
    guard total > 0 else { return nil }
    var number = Int.random(in: 0..<total, using: &self)
    for (choice, weight) in choices {
      if number < weight { return choice }
      number -= weight
    }
    return nil
  }

  package mutating func bytes(_ count: Int) -> [UInt8] {
    var words = (0..<(count + 7) / 8).map { _ in next() }
    return words.withUnsafeMutableBytes { Array($0.prefix(count)) }
  }
}
