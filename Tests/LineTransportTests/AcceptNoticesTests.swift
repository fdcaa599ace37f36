// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineTransport
import NIOCore
import Testing

@Suite struct AcceptNoticesTests {
  @Test func `first notice is immediate and later ones come once a minute with their number`() {
    var notices = AcceptNotices()
    let start = NIODeadline.uptimeNanoseconds(1)
    let problem = AcceptProblem.failed(EMFILE)
    let text = problem.description
    #expect(notices.note(problem, at: start) == text)
    for second in 1..<60 { #expect(notices.note(problem, at: start + .seconds(Int64(second))) == nil) }
    #expect(notices.note(problem, at: start + .seconds(60)) == "\(text) (59 more since the last message)")
    #expect(notices.note(problem, at: start + .seconds(61)) == nil)
    #expect(notices.note(problem, at: start + .seconds(200)) == "\(text) (1 more since the last message)")
    #expect(notices.note(problem, at: start + .seconds(300)) == text)
  }

  @Test func `problems are reported apart`() {
    var notices = AcceptNotices()
    let problems: [AcceptProblem] = [
      .failed(EMFILE), .failed(ENOMEM), .refused(.tooMany(limit: 5)), .refused(.tooManyOfAddress(limit: 5)),
    ]
    let texts = problems.map { notices.note($0, at: .uptimeNanoseconds(1)) }
    #expect(texts.allSatisfy { $0 != nil } && Set(texts).count == problems.count)
    #expect(texts[0]?.contains("Too many open files; raise the limit of open files (ulimit -n") == true)
    #expect(texts[2] == "refusing connections: 5 are open, which is the limit")
  }
}

@Suite struct DescriptorPlanTests {
  @Test(arguments: [
    (1024, 96, 1, 18_000, 848, 64), (1_048_576, 96, 1, 18_000, 18_000, 64), (64, 96, 1, 18_000, 32, 4),
    (1024, 192, 3, 1000, 250, 64), (1_048_576, 192, 3, 1000, 1000, 64), (64, 192, 3, 1000, 10, 4),
    (2, 192, 3, 1000, 1, 1),
  ])
  func `connections fit the descriptors`(
    limit: Int, own: Int, each: Int, most: Int, connections: Int, refusals: Int
  ) {
    let plan = DescriptorPlan(limit: limit, own: own, each: each, most: most)
    #expect(plan.connections == connections)
    #expect(plan.refusals == refusals)
  }

  @Test func `everything together stays below the limit`() {
    for limit in stride(from: 64, through: 70_000, by: 7) {
      for (own, each) in [(96, 1), (192, 3)] {
        let plan = DescriptorPlan(limit: limit, own: own, each: each, most: 18_000)
        #expect(plan.connections * each + plan.refusals + plan.reserve <= limit - min(own, limit / 4))
      }
    }
  }
}
