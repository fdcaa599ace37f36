// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Memory: what the whole index takes, and what of it is there for whom.
///
/// The whole is computed from the sizes of the tables. A session pays for its records, for titles and words that nobody else
/// had, and for the entries whose oldest record is its own.
extension DocumentIndex {
  /// Memory of the index in bytes, and what is reserved for batches that are being added.
  package var bytes: Int {
    let slabs =
      records.bytes + entries.bytes + contents.bytes + sharedHolders.bytes + sources.bytes + sessions.bytes
      + accounts.bytes
    let texts = keys.bytes + titles.bytes + words.bytes + collections.bytes + collectionWords.bytes
    let tables = contentSlots.bytes + recordSlots.bytes + entryOrder.bytes + sourceOrder.bytes
    let dictionaries =
      watches.bytes + sourceSlots.count * Charges.sourceSlot + sessionSlots.count * Charges.sessionSlot
      + accountSlots.count * Charges.accountSlot
    return slabs + texts + tables + dictionaries + otherBytes + reservedBytes
  }

  /// What a session and its address hold; `nil` if it is not open.
  package func holdings(of session: SessionID) -> SessionHoldings? {
    guard let slot = sessionSlots[session] else { return nil }
    let account = sessions[slot].account
    guard account != noSlot else {
      return SessionHoldings(records: sessions[slot].recordCount, bytes: sessions[slot].bytes, block: nil, site: nil)
    }
    let site = accounts[account].site
    return SessionHoldings(
      records: sessions[slot].recordCount, bytes: sessions[slot].bytes, block: holding(account),
      site: site == noSlot ? nil : holding(site))
  }

  private func holding(_ account: UInt32) -> SessionHoldings.Sum {
    .init(records: accounts[account].records, bytes: accounts[account].bytes)
  }

  /// Reserves memory for a batch that is to be added in slices; 0 gives it back.
  package func reserve(_ bytes: Int, for session: SessionID) {
    guard let slot = sessionSlots[session] else { return }
    release(slot)
    sessions[slot].reserved = bytes
    reservedBytes += bytes
    charge(bytes, to: slot)
  }

  func release(_ session: UInt32) {
    let reserved = sessions[session].reserved
    guard reserved > 0 else { return }
    sessions[session].reserved = 0
    reservedBytes -= reserved
    charge(-reserved, to: session)
  }

  /// What documents take at most, in bytes: nobody else has anything of them.
  package static func mostBytes(of documents: [Document]) -> Int {
    documents.reduce(0) { $0 + mostBytes(of: $1) }
  }

  /// The same of one.
  package static func mostBytes(of document: Document) -> Int {
    let text = document.title.text.utf8.count + document.key.text.utf8.count
    return Charges.record + Charges.entry + 160 + text * (1 + Charges.wordBytesPerByte)
  }

  // MARK: Charging

  func charge(_ bytes: Int, to session: UInt32) {
    sessions[session].bytes += bytes
    forEachAccount(sessions[session].account) { $0.bytes += bytes }
  }

  func countRecord(_ difference: Int, of session: UInt32) {
    sessions[session].recordCount += difference
    charge(difference * Charges.record, to: session)
    forEachAccount(sessions[session].account) { $0.records += difference }
  }

  private func forEachAccount(_ account: UInt32, _ body: (inout Account) -> Void) {
    var account = account
    while account != noSlot {
      body(&accounts[account])
      account = accounts[account].site
    }
  }

  /// Charges the memory of an entry to the session of its oldest record.
  /// - Parameter bytes: `nil` if it is as before.
  func chargeEntry(_ entry: UInt32, _ bytes: Int?) {
    let oldest = entries[entry].records.oldest
    let payer = oldest == noSlot ? noSlot : records[oldest].session
    let (previous, charged) = (entries[entry].payer, Int(entries[entry].charge))
    let bytes = payer == noSlot ? 0 : bytes ?? charged
    guard payer != previous || bytes != charged else { return }
    if previous != noSlot { charge(-charged, to: previous) }
    if payer != noSlot { charge(bytes, to: payer) }
    entries[entry].payer = payer
    entries[entry].charge = UInt32(truncatingIfNeeded: bytes)
  }

  // MARK: Accounts

  func joinAccount(_ block: AddressBlock) -> UInt32 {
    let slot = accountSlots[block] ?? makeAccount(block)
    forEachAccount(slot) { $0.sessions += 1 }
    return slot
  }

  private func makeAccount(_ block: AddressBlock) -> UInt32 {
    let site = block.site.map { site in accountSlots[site] ?? makeAccount(site) } ?? noSlot
    let slot = accounts.insert(Account(block: block, site: site))
    accountSlots[block] = slot
    return slot
  }

  func leaveAccount(_ account: UInt32) {
    var account = account
    while account != noSlot {
      accounts[account].sessions -= 1
      let site = accounts[account].site
      if accounts[account].sessions == 0 {
        accountSlots[accounts[account].block] = nil
        accounts.remove(account)
      }
      account = site
    }
  }
}

/// What elements cost in bytes, with their places in tables that are as full as usual.
enum Charges {
  static let session = MemoryLayout<Session>.stride + MemoryLayout<Source>.stride + sessionSlot + sourceSlot
  static let record = MemoryLayout<Record>.stride + 14
  /// With its places in the lists, its content and its key.
  static let entry =
    MemoryLayout<Entry>.stride + MemoryLayout<ContentRow>.stride + 2 * MemoryLayout<PrefixedSlot>.stride + 28 + 48
  static let title = 56
  static let sessionSlot = 28
  static let sourceSlot = 96
  static let accountSlot = 48
  /// Text that consists of short words that nobody else has.
  static let wordBytesPerByte = 16
}

/// What a session holds, and everybody of its address.
package struct SessionHoldings: Equatable, Sendable {
  package struct Sum: Equatable, Sendable {
    package let records: Int
    package let bytes: Int
  }

  package let records: Int
  package let bytes: Int
  /// Of its address block; `nil` if it is not counted for one.
  package let block: Sum?
  /// Of the site of that block, if it has one.
  package let site: Sum?
}
