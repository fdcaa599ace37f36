// SPDX-License-Identifier: Apache-2.0

/// The members of an object in their order, no name twice. Names are the same where their UTF-8 is.
///
/// A look-up walks over the members: control messages have about a dozen.
package struct JSONMembers: Sendable {
  package struct Member: Hashable, Sendable {
    package let key: String
    package fileprivate(set) var value: JSONValue

    package static func == (left: Member, right: Member) -> Bool {
      left.key.utf8.elementsEqual(right.key.utf8) && left.value == right.value
    }
  }

  private var members: [Member] = []

  package init() {}

  /// Of a name that stands twice the last value is kept.
  package init(_ members: some Sequence<(String, JSONValue)>) {
    for (key, value) in members { self[key] = value }
  }

  /// `nil` where there is no such member; setting `nil` removes it.
  package subscript(_ key: String) -> JSONValue? {
    get { index(of: key).map { members[$0].value } }
    set { set(key, newValue) }
  }

  /// Adds a member whose name is known to be new.
  mutating func append(_ key: String, _ value: JSONValue) {
    members.append(Member(key: key, value: value))
  }

  private mutating func set(_ key: String, _ value: JSONValue?) {
    switch (index(of: key), value) {
    case (let index?, let value?): members[index].value = value
    case (let index?, nil): members.remove(at: index)
    case (nil, let value?): append(key, value)
    case (nil, nil): break
    }
  }

  private func index(of key: String) -> Int? {
    members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
  }
}

extension JSONMembers: RandomAccessCollection {
  package var startIndex: Int { members.startIndex }
  package var endIndex: Int { members.endIndex }
  package subscript(position: Int) -> Member { members[position] }
}

extension JSONMembers: ExpressibleByDictionaryLiteral {
  /// Of a name that stands twice the last value is kept.
  package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

/// Objects are equal where they have the same members in whatever order (RFC 8259 section 1).
extension JSONMembers: Hashable {
  package static func == (left: JSONMembers, right: JSONMembers) -> Bool {
    left.members == right.members || (left.count == right.count && left.sortedByKey == right.sortedByKey)
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(sortedByKey) }

  private var sortedByKey: [Member] {
    members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  }
}
