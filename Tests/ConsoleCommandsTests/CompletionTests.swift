import ConsoleCommands
import Testing

/// What a word may be completed to, by the line before it.
@Suite struct CompletionTests {
  @Test(arguments: ["", "p2pctl ", "  ", "--json ", "--peer bob ", "p2pctl --json --socket /x "])
  func firstComesAVerb(before: String) {
    guard case .words(let words) = Completion(after: before) else {
      Issue.record("\(Completion(after: before))")
      return
    }
    for verb in ["add", "get", "supervisor", "help", "exit"] { #expect(words.contains(verb)) }
  }

  @Test(arguments: [
    ("get ", Completion.keys(mine: false)), ("lookup ", .keys(mine: false)), ("remove ", .keys(mine: true)),
    ("--json get --force ", .keys(mine: false)), ("add ", .files), ("add a b ", .files), ("get rfc/1 -o ", .files),
    ("get rfc/1 --output ", .files), ("get rfc/1 --from ", .nothing), ("status ", .nothing), ("bogus ", .nothing),
    ("supervisor stop ", .nothing),
    ("supervisor ", .words(["status", "start", "stop", "restart", "reload"])),
  ])
  func thenWhatTheVerbTakes(before: String, expected: Completion) {
    #expect(Completion(after: before) == expected)
  }

  @Test func helpKnowsTheVerbs() {
    guard case .words(let words) = Completion(after: "help ") else {
      Issue.record("no words")
      return
    }
    #expect(words.contains("get") && !words.contains("exit"))
  }
}
