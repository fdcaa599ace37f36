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
  var isAnswering = false
  /// Whether the next line waits for the answers.
  var isHolding = false
  var following: Following?

  var isBusy: Bool { isAnswering || !requests.isEmpty }
  var isFull: Bool { requests.count >= Self.maxRequests || bytes >= Self.maxBytes }
}

extension UploadRole {
  func begin(_ request: PeerRequest, _ id: Int64) -> LineVerdict {
    if case .get(let content, let offset, let length) = request, !limiter.isLimited, short.following == nil,
      UploadService.isForWhole(content, offset: offset, length: length)
    {
      return collect(content, id)
    }
    guard !short.isBusy else {
      short.following = .request(request, id)
      return .busy
    }
    return answer(request, id)
  }

  private func collect(_ content: Content, _ id: Int64) -> LineVerdict {
    guard let loop = connection?.eventLoop else { return .close }
    isAnswering = true
    // After the lines that have arrived.
    if !short.isBusy {
      let bound = NIOLoopBound(self, eventLoop: loop)
      loop.execute { bound.value.answerShort() }
    }
    short.requests.append((id, content))
    short.bytes += content.size
    short.isHolding = short.isFull
    return short.isFull ? .busy : .next
  }

  private func answerShort() {
    guard let connection, !short.isAnswering, !short.requests.isEmpty else { return }
    let requests = short.requests
    (short.requests, short.bytes, short.isAnswering) = ([], 0, true)
    let cost = requests.reduce(0) { $0 + UploadTurns.requestCost + $1.content.size }
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let answered = turns.run(for: ObjectIdentifier(self), cost: cost, on: connection.eventLoop) { [service] in
      service.get(requests.map(\.content))
    }
    answered.whenComplete { result in
      let stopping = WireFailure(.unavailable, "the peer is stopping")
      bound.value.send((try? result.get()) ?? requests.map { _ in .failure(stopping) }, to: requests.map(\.id))
    }
  }

  private func send(_ answers: [Result<UploadService.Answer, WireFailure>], to ids: [Int64]) {
    guard let connection else { return }
    connection.send { output in
      for (id, answer) in zip(ids, answers) {
        switch answer {
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
    let isHolding = short.isHolding
    (short.isAnswering, short.isHolding) = (false, false)
    if short.requests.isEmpty {
      isAnswering = false
      sendNews()
      follow()
    } else {
      answerShort()
    }
    // Last: the next line may begin another answer at once.
    if isHolding { connection.resume() }
  }

  /// Answers what has waited.
  private func follow() {
    guard let connection, let following = short.following.take() else { return }
    switch following {
    case .request(.hello(let peer, let name), let id): connection.send { greet(peer, name, id, &$0) }
    case .request(let request, let id):
      if answer(request, id) == .close { connection.abort() }
      return
    case .failure(let failure, let id): connection.send { failure.write(id: id, to: &$0) }
    }
    connection.resume()
  }
}
