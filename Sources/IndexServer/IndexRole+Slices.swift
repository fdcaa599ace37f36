// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import LineJSON
import LineTransport
import NIOCore

/// A request that may take long, half done: between its slices other connections have their turns.
struct SlicedWork {
  // In memory of its own: every connection would have room for a page otherwise.
  indirect enum Task {
    case add(ArraySlice<Document>, Addition, AddRights?)
    case remove(ArraySlice<DocumentID>, removed: Int)
    case lookup(LookupSearch)
    case list(ListSearch, PageWriter)
    /// While a slice of a list runs, which takes the page out.
    case none
  }

  let id: Int64
  var task: Task
}

/// Work in slices.
extension IndexRole {
  func begin(_ work: SlicedWork, _ output: inout JSONWriter) -> LineVerdict {
    self.work = work
    return goOn(&output)
  }

  /// About as many as fit a turn.
  private static var slicesOfTurn: Int { 8 }

  /// Works until the turn ends or the reply is written.
  func goOn(_ output: inout JSONWriter) -> LineVerdict {
    guard var work = work.take(), let session, let connection else { return .next }
    let (loop, end) = (connection.eventLoop, connection.turnEnd)
    for _ in 0..<Self.slicesOfTurn {
      let isDone = advance(&work, session, &output)
      let isOver = loop.now >= end
      if isDone { return isOver ? .pause : .next }
      if isOver { break }
    }
    self.work = work
    return .again
  }

  /// - Returns: whether the reply is written.
  private func advance(_ work: inout SlicedWork, _ session: IndexSession, _ output: inout JSONWriter) -> Bool {
    switch work.task {
    case .add(var rest, var sum, var rights):
      let addition = session.add(&rest, &rights)
      sum.added += addition.added
      sum.refused += addition.refused
      work.task = .add(rest, sum, rights)
      guard rest.isEmpty else { return false }
      session.endAdding()
      write(sum, work.id, &output)
    case .remove(var rest, let removed):
      let sum = removed + session.remove(&rest)
      work.task = .remove(rest, removed: sum)
      guard rest.isEmpty else { return false }
      recordsChanged()
      output.writeReply(id: work.id) { $0.member("removed", sum) }
    case .lookup(var search):
      session.advance(&search)
      work.task = .lookup(search)
      guard search.isComplete else { return false }
      write(search, in: session, work.id, &output)
    case .list(var search, var page):
      // The page must have the only copy of what is written.
      work.task = .none
      session.advance(&search, using: &generator, visitor: &page)
      guard search.isComplete else {
        work.task = .list(search, page)
        return false
      }
      page.finish(next: search.next, &output)
    case .none: break
    }
    return true
  }
}
