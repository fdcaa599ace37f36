// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport

/// A greeted connection to a control socket, line by line as the written protocol says: no code of the front end.
final class ControlSession {
  struct Answer {
    let reply: JSONValue
    let events: [JSONValue]

    /// `ok`, or the code of the refusal.
    var outcome: String { reply["status"]?.integer == 200 ? "ok" : reply["error"]?.string ?? "no code" }
    var isOK: Bool { outcome == "ok" }
    /// What SQLite says where a file of its own may not grow: the disk is at fault.
    var isDiskFailure: Bool { reply["message"]?.string?.hasSuffix("disk I/O error") ?? false }
  }

  enum Failure: Error {
    /// Nothing was asked: who should answer was not there.
    case refused(String)
    /// It was asked, and the connection ended before the answer.
    case lost(String)
    /// It was asked, and no answer came for longer than any may take.
    case silent
  }

  private let connection: RawConnection
  private var nextID: Int64 = 2

  /// - Parameter timeout: the longest silence.
  init(path: String, timeout: Duration) throws(Failure) {
    do {
      connection = try RawConnection(path: path, timeout: timeout)
      let greeting = try connection.ask(#"{"id":1,"op":"hello","protocol":1}"#)
      guard greeting["status"]?.integer == 200 else {
        throw Failure.refused(greeting["error"]?.string ?? "unexpected greeting")
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw .refused("\(error)")
    }
  }

  /// - Throws: `Failure`.
  func ask(_ request: JSONMembers) throws(Failure) -> Answer {
    try send(request)
    return try answer()
  }

  func send(_ request: JSONMembers) throws(Failure) {
    var members = request
    members["id"] = .integer(nextID)
    nextID += 1
    do { try connection.send(try Jansson.encodeLine(.object(members))) } catch { throw .lost("\(error)") }
  }

  func answer() throws(Failure) -> Answer {
    var events: [JSONValue] = []
    while true {
      let line = try line()
      if line["event"] == nil { return Answer(reply: line, events: events) }
      if line["event"]?.string != "progress" { events.append(line) }
    }
  }

  func line() throws(Failure) -> JSONValue {
    do {
      return try connection.reply()
    } catch {
      // The words of a wait that was in vain.
      if "\(error)".contains("nothing came") { throw .silent }
      throw .lost("\(error)")
    }
  }
}
