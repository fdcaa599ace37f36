// SPDX-License-Identifier: Apache-2.0

extension Figure {
  static let median = "p50"
  static let longest = "max"
  /// What the index measures of itself: how late its event loops look at what has arrived.
  static let queue = "queue of the index, p99"
  static let longestQueue = "queue of the index, max"
  static let afterwards = "after they have left"
  /// The same of watches: from a change until the system has taken the event.
  static let freshness = "freshness in the index, p99"
  static let longestFreshness = "freshness in the index, max"

  /// How long an honest client waits, by what the others do: the 99th percentile, beside the median and the maximum.
  static let hostile: [Figure] = [
    wait(.hostileQuiet, "others: none"), wait(.hostilePing, "others: pings"),
    wait(.hostileLookup, "others: look-ups of 50,000 contents"),
    wait(.hostilePeer, "others: look-ups of one peer among these"),
    wait(.hostileSearch, "others: searches for words"), wait(.hostileAdd, "others: documents of many words"),
    wait(.hostileRepeat, "others: one batch repeated"),
    wait(.hostileDeparture, "a session of 300,000 records drops", within: 50),
    wait(.hostileAnswers, "400 clients that do not read"), wait(.hostileUnfinished, "600 lines that do not end"),
    wait(.hostileSilent, "15,000 silent connections"),
    // The kernel's queue is full of those that come again: it has 4,096 places, and a place is for whoever comes first.
    wait(.hostileSilentNew, "15,000 silent connections, as a new client", within: 2500),
    wait(.hostileFanout, "10,000 watches of everything, and one that adds", within: 50),
    memory(.hostileAnswersMemory, "400 clients that do not read"),
    memory(.hostileUnfinishedMemory, "600 lines that do not end"),
    memory(.hostileSilentMemory, "15,000 silent connections"),
    memory(.hostileFanoutMemory, "10,000 watches of everything, and one that adds"),
    Figure(
      .watch, "10,000 changes/s, 10,000 watches: change to event, p99", .milliseconds,
      rivals: [Rival(median), Rival(longest), Rival(freshness), Rival(longestFreshness)], goal: .within(100)),
    Figure(
      .watchMemory, "10,000 watches of 1,000 connections: memory, most", .mebibytes, rivals: [Rival(afterwards)]),
    Figure(.watchCost, "a change that 10,000 watches do not match", .percent, goal: .within(2)),
  ]

  private static func wait(_ id: ID, _ title: String, within goal: Double = 10) -> Figure {
    Figure(
      id, title + ": wait, p99", .milliseconds,
      rivals: [Rival(median), Rival(longest), Rival(queue), Rival(longestQueue)], goal: .within(goal))
  }

  private static func memory(_ id: ID, _ title: String) -> Figure {
    Figure(id, title + ": memory, most", .mebibytes, rivals: [Rival(afterwards)])
  }
}

extension HostileBench.Kind {
  var figure: Figure.ID {
    switch self {
    case .quiet: .hostileQuiet
    case .ping: .hostilePing
    case .lookup: .hostileLookup
    case .peer: .hostilePeer
    case .search: .hostileSearch
    case .add: .hostileAdd
    case .again: .hostileRepeat
    case .departure: .hostileDeparture
    case .answers: .hostileAnswers
    case .unfinished: .hostileUnfinished
    case .silent: .hostileSilent
    case .fanout: .hostileFanout
    case .watch: .watch
    }
  }

  var memoryFigure: Figure.ID? {
    switch self {
    case .answers: .hostileAnswersMemory
    case .unfinished: .hostileUnfinishedMemory
    case .silent: .hostileSilentMemory
    case .fanout: .hostileFanoutMemory
    default: nil
    }
  }
}
