// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import WireProtocol

/// Who belongs to a closed network.
extension MessageTable {
  static let membershipRequests = [
    MessageCase(IndexLine.self, #"{"id":1,"op":"join","secret":"00112233445566778899aabbccddeeff"}"#),
    MessageCase(IndexLine.self, #"{"id":2,"op":"claim"}"#),
    MessageCase(IndexLine.self, #"{"id":2,"op":"claim","after":"data/cats/"}"#, optional: ["after"]),
    MessageCase(
      IndexLine.self, #"{"id":2,"op":"claim","prefix":"data/cats/","change":"allow","peer":"b1b1b1b1"}"#,
      optional: ["prefix", "change", "peer"]),
    MessageCase(
      IndexLine.self,
      #"{"id":3,"op":"invite","role":"publisher","uses":5,"lifetime":3600,"addresses":["h:1","[::1]:7734"]}"#,
      optional: ["role", "uses", "lifetime", "addresses"]),
    MessageCase(
      IndexLine.self, #"{"id":4,"op":"members","limit":10,"after":"\#(Sample.peer)"}"#, optional: ["limit", "after"]),
    MessageCase(IndexLine.self, #"{"id":5,"op":"revoke","peer":"b1b1b1b1"}"#),
    MessageCase(IndexLine.self, #"{"id":5,"op":"revoke","ticket":"0123456789abcdef"}"#),
    MessageCase(
      IndexLine.self, #"{"id":6,"op":"ban","peer":"\#(Sample.peer)","reason":"too many requests"}"#,
      optional: ["reason"]),
    MessageCase(IndexLine.self, #"{"id":7,"op":"unban","peer":"b1b1b1b1"}"#),
    MessageCase(
      IndexLine.self, #"{"id":8,"op":"bans","limit":10,"after":"\#(Sample.peer)"}"#, optional: ["limit", "after"]),
    MessageCase(IndexLine.self, #"{"id":9,"op":"log","limit":10,"before":400}"#, optional: ["limit", "before"]),
    MessageCase(IndexLine.self, #"{"id":10,"op":"limits"}"#),
  ]

  static let membership = [
    MessageCase(
      Reply<ControlHelloReply>.self,
      #"{"id":1,"status":200,"protocol":1,"server":"p2p-index/0.1.0","role":"index","peer":"\#(Sample.peer)","name":"index"}"#,
      optional: ["status", "peer"]),
    MessageCase(
      Reply<ControlJoinReply>.self,
      #"{"id":1,"status":200,"address":"192.0.2.1:7734","index":"\#(Sample.other)","role":"reader","withheld":7}"#,
      optional: ["status", "withheld"]),
    MessageCase(
      Reply<JoinReply>.self,
      #"{"id":1,"status":200,"role":"reader","time":"2026-03-01T12:00:00Z","pass":"\#(Sample.pass)","key":"MFkw"}"#,
      optional: ["status", "time", "pass", "key"]),
    MessageCase(Reply<JoinReply>.self, #"{"id":1,"status":200,"role":"none"}"#, optional: ["status"]),
    MessageCase(
      Reply<PingReply>.self,
      #"{"id":1,"status":200,"role":"admin","time":"2026-03-01T12:00:00Z","pass":"\#(Sample.pass)"}"#,
      optional: ["status", "role", "time", "pass"]),
    MessageCase(Reply<PingReply>.self, #"{"id":1,"status":200}"#, optional: ["status"]),
    MessageCase(
      Reply<AddReply>.self, #"{"id":2,"status":200,"added":3,"refused":[0,4]}"#, optional: ["status", "refused"]),
    MessageCase(
      Reply<InviteReply>.self,
      #"{"id":3,"status":200,"ticket":"p2p-join:e30","number":"0123456789abcdef","role":"reader","uses":1,"#
        + #""expires":"2026-03-08T12:00:00Z","addresses":["192.0.2.7:7734"]}"#, optional: ["status", "addresses"]),
    MessageCase(
      Reply<MembersReply>.self,
      #"{"id":4,"status":200,"members":[{"peer":"\#(Sample.peer)","name":"bob","role":"reader","#
        + #""since":"2026-03-01T12:00:00Z","by":"\#(Sample.other)","sessions":1},{"peer":"\#(Sample.other)","role":"publisher","sessions":0}],"#
        + #""tickets":[{"number":"0123456789abcdef","role":"reader","left":1,"uses":5,"#
        + #""expires":"2026-03-08T12:00:00Z","by":"\#(Sample.other)"}],"#
        + #""next":"\#(Sample.other)"}"#, optional: ["status", "tickets", "next"]),
    MessageCase(
      Reply<AffectedReply>.self,
      #"{"id":5,"status":200,"peer":"\#(Sample.peer)","number":"0123456789abcdef","own":true,"withdrawn":3,"#
        + #""tickets":[{"number":"0123456789abcdef","role":"reader","left":1,"uses":5,"expires":"2026-03-08T12:00:00Z"}]}"#,
      optional: ["status", "peer", "number", "own", "withdrawn", "tickets"]),
    MessageCase(
      Reply<BansReply>.self,
      #"{"id":8,"status":200,"bans":[{"peer":"\#(Sample.peer)","since":"2026-03-01T12:00:00Z","reason":"x"}],"#
        + #""next":"\#(Sample.peer)"}"#, optional: ["status", "next"]),
    MessageCase(
      Reply<ClaimsReply>.self,
      #"{"id":2,"status":200,"claims":[{"prefix":"data/cats/","owner":"\#(Sample.peer)","allowed":["\#(Sample.other)"],"#
        + #""since":"2026-03-01T12:00:00Z"}],"next":"data/cats/"}"#, optional: ["status", "next"]),
    MessageCase(
      Reply<LogReply>.self,
      #"{"id":9,"status":200,"entries":[{"time":"2026-03-01T12:00:00Z","event":"joined","peer":"\#(Sample.peer)","#
        + #""by":"\#(Sample.other)","role":"reader","ticket":"0123456789abcdef","prefix":"data/cats/","#
        + #""host":"192.0.2.9","reason":"x","count":12,"tickets":3}],"before":400}"#, optional: ["status", "before"]),
    MessageCase(
      Reply<LimitsReply>.self,
      #"{"id":10,"status":200,"limits":[{"limit":"records","value":1000000,"per":"session"},{"limit":"x","per":"address"}]}"#,
      optional: ["status"]),
    MessageCase(
      Reply<IndexHelloReply>.self,
      #"{"id":1,"status":200,"protocol":1,"server":"p2p-index/0.1.0","host":"192.0.2.7","role":"none","#
        + #""limits":{"line":1048576,"batch":1000,"inflight":256,"hello":30,"idle":10,"line_time":30,"#
        + #""holders":50,"contents":16,"page":1000,"records":1000000,"watches":64,"watches_total":20000,"watches_per_address":5000,"#
        + #""connections":18000,"connections_per_address":256,"memory":4294967296,"memory_per_address":1073741824}}"#,
      optional: ["protocol", "status", "role"]),
  ]
}
