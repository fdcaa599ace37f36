// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import WireProtocol

/// Requests for short documents that came without a pause: they are answered together, with one turn, one look into the
/// catalogue and one write.
struct ShortRequests {
  /// What came behind them and waits for their answers.
  enum Following {
    case request(PeerRequest, Int64)
    case failure(WireFailure, Int64?)
  }

  private static let maxRequests = 64
  private static let maxBytes: Int64 = 256 * 1024

  var requests: [(id: Int64, content: Content)] = []
  var bytes: Int64 = 0
  var following: Following?

  var isEmpty: Bool { requests.isEmpty }
  var isFull: Bool { requests.count >= Self.maxRequests || bytes >= Self.maxBytes }
}

extension UploadRole {
  func linesEnded(output: inout JSONWriter) -> LineVerdict {
    short.isEmpty ? .next : answerShort(followedBy: nil)
  }

  func begin(_ request: PeerRequest, _ id: Int64) -> LineVerdict {
    if case .get(let content, let offset, let length) = request, !limiter.isLimited,
      UploadService.isForWhole(content, offset: offset, length: length)
    {
      short.requests.append((id, content))
      short.bytes += content.size
      return short.isFull ? answerShort(followedBy: nil) : .next
    }
    return short.isEmpty ? answer(request, id) : answerShort(followedBy: .request(request, id))
  }

  /// Answers what was collected, then what came behind it, then goes on with the next line.
  func answerShort(followedBy following: ShortRequests.Following?) -> LineVerdict {
    guard let connection else { return .close }
    let requests = short.requests
    short = ShortRequests(following: following)
    isAnswering = true
    let cost = requests.reduce(0) { $0 + UploadTurns.requestCost + $1.content.size }
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let answered = turns.run(for: ObjectIdentifier(self), cost: cost, on: connection.eventLoop) { [service] in
      service.get(requests.map(\.content))
    }
    answered.whenComplete { result in
      let stopping = WireFailure(.unavailable, "the peer is stopping")
      bound.value.send((try? result.get()) ?? requests.map { _ in .failure(stopping) }, to: requests.map(\.id))
    }
    return .busy
  }

  private func send(_ answers: [Result<UploadService.Answer, WireFailure>], to ids: [Int64]) {
    guard let connection else { return }
    connection.send { output in
      for (id, answer) in zip(ids, answers) {
        switch judged(answer) {
        case .success(.bytes(let file, let offset, let bytes)):
          if let file { note(file, Int64(bytes.count)) }
          GetReply(offset: offset, length: Int64(bytes.count)).write(id: id, to: &output)
          output.bytes += bytes
          sent(Int64(bytes.count))
        case .success: WireFailure(.internal, "the file cannot be read").write(id: id, to: &output)
        case .failure(let failure): failure.write(id: id, to: &output)
        }
      }
    }
    lastTaken = connection.eventLoop.now
    isAnswering = false
    sendNews()
    // Last: the next line may begin another answer at once.
    follow(short.following.take(), on: connection)
  }

  private func follow(_ following: ShortRequests.Following?, on connection: any LineConnection) {
    switch following {
    case nil: break
    case .request(.hello(let peer, let name, let pass), let id):
      connection.send { output in
        do throws(WireFailure) { try greet(peer, name, pass, id, &output) } catch { error.write(id: id, to: &output) }
      }
    case .request(let request, let id):
      if answer(request, id) == .close { connection.close() }
      return
    case .failure(let failure, let id): connection.send { failure.write(id: id, to: &$0) }
    }
    connection.resume()
  }
}
