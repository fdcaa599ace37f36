// SPDX-License-Identifier: Apache-2.0

/// Questions to the index, and to Redis for answers of as many bytes.
extension Bench {
  static let page = 100
  static let redisKey = Documents.key(0)
  static let redisList = "rows"
  static let lookup = LoadRequest.lookup(Documents.key(0))
  static let list = LoadRequest.list(collection: Documents.smallCollection, limit: Int64(page))

  func measureLoad(_ round: Int) throws {
    let get = LoadRequest.redisGet(Self.redisKey)
    let range = LoadRequest.redisRange(Self.redisList, count: Self.page)
    try compare(.lookup, depth: 1, Self.lookup, with: Figure.redisGet, get, round)
    try compare(.pipelinedLookup, depth: 16, Self.lookup, with: Figure.redisGet, get, round)
    try compare(.list, depth: 1, Self.list, with: Figure.redisRange, range, round)
  }

  private func compare(
    _ figure: Figure.ID, depth: Int, _ request: LoadRequest, with rival: String, _ rivalRequest: LoadRequest,
    _ round: Int
  ) throws {
    let index = try installation.index()
    let own = Load(server: index.endpoint, serverProcess: index.pid, depth: depth, duration: effort.load)
    add(Sample(figure, Figure.own, round: round, try own.run(request)))
    let redis = rivals.redis
    let other = Load(server: redis.endpoint, serverProcess: redis.pid, depth: depth, duration: effort.load)
    add(Sample(figure, rival, round: round, try other.run(rivalRequest)))
  }
}

extension Sample {
  init(_ figure: Figure.ID, _ contender: String, round: Int, _ outcome: Load.Outcome) {
    self.init(figure, contender, round: round, value: outcome.rate, processorTime: outcome.processorTime)
  }
}
