// SPDX-License-Identifier: Apache-2.0

/// Random numbers that a seed brings back: SplitMix64 (Steele, Lea and Flood 2014).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A generator of its own for one part of a run: what another part draws changes nothing in it.
  package func branch(_ number: UInt64) -> SeededGenerator {
    var mixer = SeededGenerator(seed: state ^ (number &+ 1) &* 0xD6E8_FEB8_6659_FD93)
    return SeededGenerator(seed: mixer.next())
  }

  /// True in `count` of `of` cases.
  package mutating func chance(_ count: Int, of total: Int) -> Bool {
    Int.random(in: 0..<max(1, total), using: &self) < count
  }

  /// One of some, by weight; `nil` where all weights together are 0.
  package mutating func pick<Choice>(_ choices: [(choice: Choice, weight: Int)]) -> Choice? {
    let total = choices.reduce(0) { $0 + $1.weight }
    guard total > 0 else { return nil }
    var number = Int.random(in: 0..<total, using: &self)
    for (choice, weight) in choices {
      if number < weight { return choice }
      number -= weight
    }
    return nil
  }
}
