// SPDX-License-Identifier: Apache-2.0

/// An element of a `Slab`.
protocol SlabElement {
  /// Releases memory outside the slot, if it has not yet: the slot stays, its element does not.
  mutating func vacate()
}

/// No slot: the end of a chain of slots.
let noSlot = UInt32.max

/// Elements in numbered slots. A slot keeps its number until its element is removed, and is reused later: four bytes refer
/// to an element, and no element is allocated alone.
///
/// The slots are in chunks: growing copies no element, however many there are, and a chunk without elements gives its memory
/// back.
struct Slab<Element: SlabElement>: ~Copyable {
  private struct Chunk {
    var isAllocated = false
    /// Slots that hold an element, or a vacated one.
    var initialized = 0
    var used = 0
    /// Whether it is in the list of chunks with room.
    var isOpen = false
    /// Vacated slots.
    var free: [UInt16] = []

    /// Takes a slot, which was vacated or is not initialized yet.
    mutating func take() -> (offset: Int, wasVacated: Bool) {
      used += 1
      if !free.isEmpty { return (Int(free.removeLast()), true) }
      initialized += 1
      return (initialized - 1, false)
    }
  }

  private static var shift: UInt32 { 10 }
  private static var perChunk: Int { 1 << 10 }
  private static var mask: UInt32 { (1 << 10) - 1 }

  private var table = UnsafeMutablePointer<UnsafeMutablePointer<Element>>.allocate(capacity: 16)
  private var tableCapacity = 16
  private var chunks: [Chunk] = []
  /// Chunks with room, the next one last.
  private var open: [UInt32] = []
  /// Chunks with memory.
  private var allocated = 0
  /// The number of slots in use.
  private(set) var count = 0

  deinit {
    for chunk in chunks.indices where chunks[chunk].isAllocated {
      for element in 0..<chunks[chunk].initialized { table[chunk][element].vacate() }
      table[chunk].deinitialize(count: chunks[chunk].initialized)
      table[chunk].deallocate()
    }
    table.deallocate()
  }

  /// All slots in use are below this number.
  var slotLimit: UInt32 { UInt32(chunks.count) << Self.shift }
  /// Memory in bytes, without what the elements refer to.
  var bytes: Int { allocated * Self.perChunk * MemoryLayout<Element>.stride }

  /// The slot must be in use.
  subscript(slot: UInt32) -> Element {
    _read { yield table[Int(slot >> Self.shift)][Int(slot & Self.mask)] }
    _modify { yield &table[Int(slot >> Self.shift)][Int(slot & Self.mask)] }
  }

  /// Whether the slot is in a chunk that has memory; others are not in use.
  func hasMemory(_ slot: UInt32) -> Bool { chunks[Int(slot >> Self.shift)].isAllocated }

  /// The first slot of the next chunk.
  func nextChunk(after slot: UInt32) -> UInt32 { (slot >> Self.shift + 1) << Self.shift }

  /// Whether the slot has ever been used since its chunk has memory; the chunk must have memory.
  func isInitialized(_ slot: UInt32) -> Bool {
    Int(slot & Self.mask) < chunks[Int(slot >> Self.shift)].initialized
  }

  mutating func insert(_ element: consuming Element) -> UInt32 {
    if open.isEmpty { addChunk() }
    let chunk = Int(open[open.count - 1])
    if !chunks[chunk].isAllocated { allocate(chunk) }
    let (offset, wasVacated) = chunks[chunk].take()
    if wasVacated { table[chunk][offset] = element } else { (table[chunk] + offset).initialize(to: element) }
    count += 1
    if chunks[chunk].used == Self.perChunk {
      chunks[chunk].isOpen = false
      open.removeLast()
    }
    return UInt32(chunk) << Self.shift | UInt32(offset)
  }

  /// Frees a slot in use.
  mutating func remove(_ slot: UInt32) {
    self[slot].vacate()
    let chunk = Int(slot >> Self.shift)
    chunks[chunk].used -= 1
    count -= 1
    guard chunks[chunk].used > 0 else {
      release(chunk)
      if count == 0 {
        chunks = []
        open = []
      } else {
        reopen(chunk)
      }
      return
    }
    chunks[chunk].free.append(UInt16(truncatingIfNeeded: slot & Self.mask))
    reopen(chunk)
  }

  private mutating func reopen(_ chunk: Int) {
    guard !chunks[chunk].isOpen else { return }
    chunks[chunk].isOpen = true
    open.append(UInt32(chunk))
  }

  private mutating func addChunk() {
    if chunks.count == tableCapacity {
      let larger = UnsafeMutablePointer<UnsafeMutablePointer<Element>>.allocate(capacity: tableCapacity * 2)
      larger.update(from: table, count: tableCapacity)
      table.deallocate()
      table = larger
      tableCapacity *= 2
    }
    chunks.append(Chunk())
    reopen(chunks.count - 1)
  }

  private mutating func allocate(_ chunk: Int) {
    table[chunk] = .allocate(capacity: Self.perChunk)
    chunks[chunk].isAllocated = true
    allocated += 1
  }

  private mutating func release(_ chunk: Int) {
    table[chunk].deinitialize(count: chunks[chunk].initialized)
    table[chunk].deallocate()
    chunks[chunk].isAllocated = false
    chunks[chunk].initialized = 0
    chunks[chunk].free = []
    allocated -= 1
  }
}

/// An element of a chain from the oldest to the newest.
protocol AgeLinked: SlabElement {
  var older: UInt32 { get set }
  var newer: UInt32 { get set }
}

/// The two ends of a chain of slots in the order of insertion. The links are in the elements, so removing any one takes
/// constant time.
struct AgeList {
  private(set) var oldest = noSlot
  private(set) var newest = noSlot

  var isEmpty: Bool { oldest == noSlot }

  /// Adds a slot as the newest.
  mutating func append<Element: AgeLinked>(_ slot: UInt32, in slab: inout Slab<Element>) {
    slab[slot].older = newest
    slab[slot].newer = noSlot
    if newest == noSlot { oldest = slot } else { slab[newest].newer = slot }
    newest = slot
  }

  /// Removes a slot of this chain.
  mutating func remove<Element: AgeLinked>(_ slot: UInt32, in slab: inout Slab<Element>) {
    let (older, newer) = (slab[slot].older, slab[slot].newer)
    if older == noSlot { oldest = newer } else { slab[older].newer = newer }
    if newer == noSlot { newest = older } else { slab[newer].older = older }
  }
}
