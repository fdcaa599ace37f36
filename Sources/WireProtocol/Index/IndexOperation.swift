/// The operations that an index answers.
package enum IndexOperation: String, CaseIterable, Sendable {
  case hello, add, remove, lookup, list, peers, stats, ping
}
