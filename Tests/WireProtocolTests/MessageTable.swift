// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import WireProtocol

/// Every request, reply and event of every plane, once with all its members and once with the fewest.
enum MessageTable {
  static let all = index + membership + peer + control + supervisor + channel + failures

  // MARK: Index plane

  static let indexRequests =
    [
      MessageCase(
        IndexLine.self,
        #"{"id":1,"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"alice","port":40001,"advertise":"192.0.2.1"}"#,
        optional: ["port", "advertise"]),
      MessageCase(IndexLine.self, #"{"id":1,"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"alice"}"#),
      MessageCase(IndexLine.self, #"{"id":2,"op":"add","documents":[{\#(Sample.document)}]}"#),
      MessageCase(IndexLine.self, #"{"id":2,"op":"add","documents":[{\#(Sample.document)},{\#(Sample.document)}]}"#),
      MessageCase(IndexLine.self, #"{"id":2,"op":"add","documents":[]}"#),
      MessageCase(IndexLine.self, #"{"id":3,"op":"remove","documents":[{"key":"rfc/793",\#(Sample.content)}]}"#),
      MessageCase(IndexLine.self, #"{"id":4,"op":"lookup","key":"rfc/793"}"#),
      MessageCase(
        IndexLine.self, #"{"id":4,"op":"lookup","key":"rfc/793","peer":"\#(Sample.peer)"}"#, optional: ["peer"]),
      MessageCase(
        IndexLine.self, #"{"id":4,"op":"lookup","key":"rfc/793","content":"0123abcd","size":7,"peer":"01234567"}"#,
        optional: ["content", "size", "peer"]),
      MessageCase(IndexLine.self, #"{"id":4,"op":"lookup",\#(Sample.content)}"#),
      MessageCase(
        IndexLine.self, #"{"id":5,"op":"list","collection":"rfc","words":"control proto","limit":100,"after":"x"}"#,
        optional: ["collection", "words", "limit", "after"]),
      MessageCase(IndexLine.self, #"{"id":5,"op":"list","prefix":"data/c","level":true}"#, optional: ["level"]),
      MessageCase(IndexLine.self, #"{"id":5,"op":"list","prefix":""}"#, optional: ["prefix"]),
      MessageCase(IndexLine.self, #"{"id":5,"op":"list"}"#),
      MessageCase(IndexLine.self, #"{"id":6,"op":"peers","limit":100,"after":"x"}"#, optional: ["limit", "after"]),
      MessageCase(IndexLine.self, #"{"id":6,"op":"peers"}"#),
      MessageCase(IndexLine.self, #"{"id":7,"op":"stats"}"#),
      MessageCase(IndexLine.self, #"{"id":8,"op":"ping"}"#),
      MessageCase(IndexLine.self, #"{"id":9,"op":"watch",\#(Sample.content)}"#),
      MessageCase(
        IndexLine.self,
        #"{"id":9,"op":"watch","key":"rfc/793","prefix":"rfc/7","collection":"rfc","words":"control proto"}"#,
        optional: ["key", "prefix", "collection", "words"]),
      MessageCase(IndexLine.self, #"{"id":9,"op":"watch"}"#),
      MessageCase(IndexLine.self, #"{"id":9,"op":"unwatch","watch":1}"#),
    ] + membershipRequests

  static let index =
    indexRequests + [
      MessageCase(
        Reply<IndexHelloReply>.self,
        #"{"id":1,"status":200,"protocol":1,"server":"p2p-index/0.1.0","host":"192.0.2.7","advertised":true,"tls":true,"#
          + #""limits":{"line":1048577,"batch":1001,"inflight":257,"hello":30,"idle":11,"line_time":30,"#
          + #""holders":50,"contents":16,"page":1000,"records":1000000,"watches":65,"watches_total":20000,"#
          + #""watches_per_address":5000,"connections":18000,"connections_per_address":256,"memory":4294967296,"memory_per_address":1073741824}}"#,
        optional: ["protocol", "status", "advertised", "tls"]),
      MessageCase(
        Reply<LookupReply>.self,
        #"{"id":4,"status":200,"key":"rfc/793","contents":[{\#(Sample.contentListing)}],"more":3}"#,
        optional: ["status"]),
      MessageCase(
        Reply<LookupReply>.self, #"{"id":4,"status":200,"key":"rfc/793","contents":[],"more":0}"#, optional: ["status"]),
      MessageCase(
        Reply<ListReply>.self,
        #"{"id":5,"status":200,"documents":[{\#(Sample.document),"total":5,"holders":[\#(Sample.holder)]}],"next":"c"}"#,
        optional: ["status", "next"]),
      MessageCase(Reply<ListReply>.self, #"{"id":5,"status":200,"documents":[]}"#, optional: ["status"]),
      MessageCase(
        Reply<ListReply>.self, #"{"id":5,"status":200,"documents":[{"prefix":"data/cats/","documents":7}]}"#,
        optional: ["status"]),
      MessageCase(
        Reply<PeersReply>.self,
        #"{"id":6,"status":200,"peers":[{"peer":"\#(Sample.peer)","name":"bob","host":"::1","port":1,"documents":3}],"#
          + #""next":"c"}"#, optional: ["status", "next"]),
      MessageCase(Reply<WatchReply>.self, #"{"id":9,"status":200,"watch":1}"#, optional: ["status"]),
      MessageCase(
        Part<WatchEvent>.self, #"{"event":"holder","watch":1,"seq":2,"change":"joined","holder":\#(Sample.holder)}"#),
      MessageCase(
        Part<WatchEvent>.self, #"{"event":"document","watch":1,"seq":1,"change":"gone",\#(Sample.document),"total":0}"#),
      MessageCase(Part<WatchEvent>.self, #"{"event":"current","watch":1,"seq":9007199254740991}"#),
      MessageCase(Part<WatchEvent>.self, #"{"event":"overflow","watch":9007199254740991,"seq":1}"#),
      MessageCase(Part<Holder>.self, Sample.holder),
      MessageCase(
        Part<Holder>.self,
        #"{"peer":"\#(Sample.peer)","name":"b","host":"::1","port":1,"complete":false,"proven":true}"#,
        optional: ["proven"]),
      MessageCase(Part<ContentListing>.self, "{\(Sample.contentListing)}"),
      MessageCase(Part<Document>.self, #"{\#(Sample.document),"executable":true}"#, optional: ["executable"]),
      MessageCase(Part<Document>.self, #"{\#(Sample.document),"complete":false}"#, optional: ["complete"]),
      MessageCase(Part<Document>.self, "{\(Sample.document)}"),
      MessageCase(Part<DocumentListing>.self, #"{\#(Sample.document),"total":0,"holders":[]}"#),
      MessageCase(
        Part<PeerListing>.self,
        #"{"peer":"\#(Sample.peer)","name":"bob","host":"2001:db8::1","port":65535,"documents":0}"#),
    ]

  // MARK: Peer plane

  static let peerRequests = [
    MessageCase(PeerLine.self, #"{"id":1,"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"bob"}"#),
    MessageCase(
      PeerLine.self,
      #"{"id":1,"op":"hello","protocol":1,"peer":"\#(Sample.peer)","name":"bob","pass":"\#(Sample.pass)"}"#,
      optional: ["pass"]),
    MessageCase(PeerLine.self, #"{"id":5,"op":"pass","pass":"\#(Sample.pass)"}"#),
    MessageCase(PeerLine.self, #"{"id":2,"op":"have",\#(Sample.content)}"#),
    MessageCase(PeerLine.self, #"{"id":3,"op":"hashes",\#(Sample.content),"layer":3,"index":32,"length":16}"#),
    MessageCase(PeerLine.self, #"{"id":4,"op":"get",\#(Sample.content),"offset":16384,"length":177957}"#),
  ]

  static let peer =
    peerRequests + [
      MessageCase(
        Reply<PeerHelloReply>.self,
        #"{"id":1,"status":200,"protocol":1,"server":"p2p-peer/0.1.0","peer":"\#(Sample.peer)","name":"bob","#
          + #""limits":{"line":65536,"get":4194305,"inflight":65,"slots":16,"hello":30,"idle":120,"connections":1000,"#
          + #""connections_per_address":32}}"#, optional: ["status", "protocol", "server"]),
      MessageCase(
        Reply<HaveReply>.self, #"{"id":2,"status":200,"piece":262144,"complete":false,"pieces":"oA=="}"#,
        optional: ["status"]),
      MessageCase(
        Reply<HaveReply>.self, #"{"id":2,"status":200,"piece":262144,"complete":true}"#, optional: ["status"]),
      MessageCase(Part<HaveEvent>.self, #"{"event":"have",\#(Sample.content),"pieces":[[0,1],[0,1]]}"#),
      MessageCase(Part<HaveEvent>.self, #"{"event":"have",\#(Sample.content),"pieces":[]}"#),
      MessageCase(Part<HaveEvent>.self, #"{"event":"have",\#(Sample.content),"complete":true}"#),
      MessageCase(Reply<HashesReply>.self, #"{"id":3,"status":200,"hashes":16}"#, optional: ["status"]),
      MessageCase(Reply<GetReply>.self, #"{"id":4,"status":200,"offset":0,"length":177957}"#, optional: ["status"]),
    ]

  // MARK: Control plane

  static let controlRequests = [
    MessageCase(ControlLine.self, #"{"id":1,"op":"hello","protocol":1}"#),
    MessageCase(
      ControlLine.self,
      #"{"id":2,"op":"add","paths":["/a","/b c"],"recursive":true,"key":"data/cats/","progress":true}"#,
      optional: ["recursive", "key", "progress"]),
    MessageCase(
      ControlLine.self, #"{"id":2,"op":"add","paths":["/a"],"recursive":false,"key":"file/x","title":"A title"}"#,
      optional: ["recursive", "key", "title"]),
    MessageCase(
      ControlLine.self,
      #"{"id":2,"op":"add","paths":["/a"],"recursive":true,"follow":true,"hidden":true,"exclude":["*.o","b/*"]}"#,
      optional: ["recursive", "follow", "hidden", "exclude"]),
    MessageCase(
      ControlLine.self, #"{"id":3,"op":"join","ticket":"\#(Sample.ticket)","share_existing":true}"#,
      optional: ["share_existing"]),
    MessageCase(ControlLine.self, #"{"id":3,"op":"network","request":{"op":"members","limit":10}}"#),
    MessageCase(ControlLine.self, #"{"id":3,"op":"lookup","key":"rfc/793"}"#),
    MessageCase(ControlLine.self, #"{"id":4,"op":"list"}"#),
    MessageCase(
      ControlLine.self, #"{"id":4,"op":"list","collection":"rfc","words":"control proto","limit":5,"mine":true}"#,
      optional: ["collection", "words", "limit", "mine"]),
    MessageCase(ControlLine.self, #"{"id":4,"op":"list","prefix":"data/","level":true}"#, optional: ["level"]),
    MessageCase(
      ControlLine.self, #"{"id":5,"op":"get","key":"rfc/793","path":"/tmp/x","force":false,"share":true}"#,
      optional: ["force", "share"]),
    MessageCase(
      ControlLine.self,
      #"{"id":5,"op":"get","key":"rfc/793","directory":"/tmp","from":"alice","content":"3fa:5","force":true,"#
        + #""share":false,"progress":true}"#, optional: ["from", "content", "force", "share", "progress"]),
    MessageCase(
      ControlLine.self, #"{"id":5,"op":"get","key":"rfc/793","stream":true,"newest":true,"force":false,"share":false}"#,
      optional: ["newest", "force", "share"]),
    MessageCase(
      ControlLine.self,
      #"{"id":5,"op":"get","key":"rfc/793","path":"/tmp/x","force":false,"share":true,"preserve":false,"umask":18}"#,
      optional: ["force", "share", "preserve", "umask"]),
    MessageCase(
      ControlLine.self,
      #"{"id":15,"op":"get-all","prefix":"data/cats/","directory":"/x","from":"bob","newest":true,"force":true,"share":false,"#
        + #""preserve":false,"hidden":true,"umask":18,"wait":true,"rejoins":7,"since":5,"results":true,"progress":true}"#,
      optional: [
        "from", "newest", "force", "share", "preserve", "hidden", "umask", "wait", "rejoins", "since", "results",
        "progress",
      ]),
    MessageCase(
      ControlLine.self, #"{"id":15,"op":"get-all","prefix":"data/cats/","directory":"/x","detach":true}"#,
      optional: ["detach"]),
    MessageCase(ControlLine.self, #"{"id":15,"op":"get-all","keys":["rfc/793","a/b"],"directory":"/x"}"#),
    MessageCase(ControlLine.self, #"{"id":13,"op":"pause","key":"data/cats/"}"#),
    MessageCase(ControlLine.self, #"{"id":6,"op":"remove","key":"rfc/793"}"#),
    MessageCase(ControlLine.self, #"{"id":6,"op":"remove","key":"rfc/793","content":"3f"}"#, optional: ["content"]),
    MessageCase(ControlLine.self, #"{"id":6,"op":"remove","prefix":"data/cats/"}"#),
    MessageCase(ControlLine.self, #"{"id":7,"op":"status"}"#),
    MessageCase(ControlLine.self, #"{"id":12,"op":"stats"}"#),
    MessageCase(ControlLine.self, #"{"id":8,"op":"peers"}"#),
    MessageCase(ControlLine.self, #"{"id":8,"op":"peers","limit":3}"#, optional: ["limit"]),
    MessageCase(
      ControlLine.self,
      #"{"id":5,"op":"get","key":"rfc/793","path":"/tmp/x","force":false,"share":true,"detach":true}"#,
      optional: ["force", "share", "detach"]),
    MessageCase(
      ControlLine.self,
      #"{"id":5,"op":"get","key":"rfc/793","path":"/tmp/x","force":false,"share":true,"wait":true,"priority":"high"}"#,
      optional: ["force", "share", "wait", "priority"]),
    MessageCase(ControlLine.self, #"{"id":9,"op":"transfers"}"#),
    MessageCase(
      ControlLine.self, #"{"id":9,"op":"transfers","all":true,"limit":5,"map":true}"#,
      optional: ["all", "limit", "map"]),
    MessageCase(ControlLine.self, #"{"id":13,"op":"pause","job":7,"waiter":3}"#, optional: ["waiter"]),
    MessageCase(ControlLine.self, #"{"id":13,"op":"pause","key":"rfc/793"}"#),
    MessageCase(ControlLine.self, #"{"id":13,"op":"resume","all":true}"#),
    MessageCase(ControlLine.self, #"{"id":13,"op":"cancel","job":7}"#),
    MessageCase(
      ControlLine.self, #"{"id":14,"op":"limit","down":5,"up":6,"downloads":4,"slots":16}"#,
      optional: ["down", "up", "downloads", "slots"]),
    MessageCase(
      ControlLine.self, #"{"id":14,"op":"limit","down":5,"between":"08:00-18:00"}"#, optional: ["between"]),
    MessageCase(ControlLine.self, #"{"id":14,"op":"limit","between":"off"}"#, optional: ["between"]),
    MessageCase(
      ControlLine.self, #"{"id":17,"op":"watch","key":"rfc/793","prefix":"rfc/","collection":"rfc","words":"tcp"}"#,
      optional: ["key", "prefix", "collection", "words"]),
    MessageCase(ControlLine.self, #"{"id":17,"op":"watch"}"#),
    MessageCase(
      ControlLine.self,
      #"{"id":10,"op":"connect","address":"[::1]:7734","index":"\#(Sample.peer)","share_existing":true}"#,
      optional: ["index", "share_existing"]),
    MessageCase(ControlLine.self, #"{"id":11,"op":"doctor"}"#),
  ]

  static let control = controlRequests + controlReplies + controlParts

  private static let controlReplies = [
    MessageCase(
      Reply<ControlHelloReply>.self,
      #"{"id":1,"status":200,"protocol":1,"server":"p2p-peer/0.1.0","role":"peer","peer":"\#(Sample.peer)","name":"alice"}"#,
      optional: ["status", "peer"]),
    MessageCase(
      Reply<ControlHelloReply>.self,
      #"{"id":1,"status":200,"protocol":1,"server":"p2p-peer/0.1.0","role":"peer","name":"alice","#
        + #""notices":[{"path":"/s/catalogue.sqlite","message":"was lost"}]}"#,
      optional: ["status", "notices"]),
    MessageCase(
      Reply<ControlAddReply>.self, #"{"id":2,"status":200,"added":3,"failed":1,"announced":false,"refused":2}"#,
      optional: ["status", "announced", "refused"]),
    MessageCase(
      Reply<ControlAddReply>.self,
      #"{"id":2,"status":200,"added":3,"failed":0,"announced":true,"#
        + #""left_out":[{"reason":"hidden","count":2,"paths":["/a/.git"]}]}"#,
      optional: ["status", "announced", "left_out"]),
    MessageCase(Reply<ControlListReply>.self, #"{"id":4,"status":200,"documents":12}"#, optional: ["status"]),
    MessageCase(
      Reply<ControlGetAllReply>.self,
      #"{"id":5,"status":200,"documents":4,"fetched":1,"present":2,"failed":1,"bytes":9,"received":3,"seconds":0.5,"job":7,"#
        + #""state":"waiting","failure":"no-source"}"#, optional: ["status", "job", "state", "failure"]),
    MessageCase(
      Reply<ControlGetReply>.self,
      #"{"id":5,"status":200,"key":"rfc/793",\#(Sample.content),"path":"/tmp/x","received":5,"#
        + #""sources":[{"peer":"alice","id":"\#(Sample.peer)","bytes":5}],"seconds":1.5}"#,
      optional: ["status", "sources"]),
    MessageCase(
      Reply<ControlGetReply>.self,
      #"{"id":5,"status":200,"key":"rfc/793",\#(Sample.content),"path":"/tmp/x","received":0,"#
        + #""sources":[],"seconds":1.5,"job":7,"state":"queued"}"#,
      optional: ["status", "sources", "job", "state"]),
    MessageCase(Reply<ControlDownloadsReply>.self, #"{"id":13,"status":200,"downloads":2}"#, optional: ["status"]),
    MessageCase(
      Reply<ControlLimitReply>.self,
      #"{"id":14,"status":200,"down":5,"up":6,"downloads":4,"slots":16,"#
        + #""schedule":[{"direction":"up","rate":6,"between":"22:00-06:00","active":true,"otherwise":7}]}"#,
      optional: ["status", "down", "up", "downloads", "slots", "schedule"]),
    MessageCase(Reply<ControlRemoveReply>.self, #"{"id":6,"status":200,"removed":1}"#, optional: ["status"]),
    MessageCase(
      Reply<ControlStatusReply>.self,
      #"{"id":7,"status":200,"name":"alice","peer":"\#(Sample.peer)","socket":"/run/alice.sock","#
        + #""uploads":"127.0.0.1:40001","index":{"address":"127.0.0.1:7734","connected":true,"#
        + #""since":"2024-02-29T12:00:00Z","source":"settings"},"documents":1,"bytes":177957,"withheld":1}"#,
      optional: ["status", "withheld"]),
    MessageCase(Part<MovedBytes>.self, #"{"uploaded":5,"downloaded":6,"since":"2024-02-29T12:00:00Z"}"#),
    MessageCase(
      Reply<StatsReply>.self,
      #"{"id":12,"status":200,"documents":5,"keys":4,"records":9,"peers":2,"sessions":3,"time":"2024-02-29T12:00:00Z","#
        + #""bytes":70000,"delay":{"p50":12,"p99":300,"max":9000},"freshness":{"p50":90,"p99":900,"max":9001},"#
        + #""departure":{"p50":91,"p99":901,"max":9002},"watches":7,"refusals":[{"limit":"records","count":3}],"#
        + #""refused":[{"host":"192.0.2.9","limit":"records","count":3}]}"#,
      optional: ["status", "time", "bytes", "delay", "freshness", "departure", "watches", "refusals", "refused"]),
    MessageCase(Reply<ControlPeersReply>.self, #"{"id":8,"status":200,"peers":2}"#, optional: ["status"]),
    MessageCase(
      Reply<ControlTransfersReply>.self,
      #"{"id":9,"status":200,"transfers":1,"counts":{"active":1,"queued":2,"waiting":3,"paused":4,"uploads":5,"down":6,"up":7}}"#,
      optional: ["status", "counts"]),
    MessageCase(
      Reply<ControlConnectReply>.self,
      #"{"id":10,"status":200,"address":"127.0.0.1:7734","connected":true,"source":"connect","index":"\#(Sample.peer)","withheld":7}"#,
      optional: ["status", "connected", "index", "withheld"]),
    MessageCase(
      Reply<ControlDoctorReply>.self,
      #"{"id":11,"status":200,"index":{"server":"p2p-index/0.1.0","seconds":0.5,"skew":-3},"#
        + #""uploads":{"address":"192.0.2.7:40001","reachable":false,"error":"Connection refused"}}"#,
      optional: ["status", "uploads"]),
    MessageCase(
      Reply<ControlDoctorReply>.self, #"{"id":11,"status":200,"index":{"error":"No route to host"}}"#,
      optional: ["status"]),
    MessageCase(
      Reply<ControlDoctorReply>.self, #"{"id":11,"status":200,"index":{"error":"banned","refused":true}}"#,
      optional: ["status"]),
    MessageCase(
      Reply<ControlDoctorReply>.self,
      #"{"id":11,"status":200,"index":{"error":"no"},"catalogue":{"error":"gone","aside":["/a"],"came_back_empty":true},"#
        + #""files":{"checked":5,"unusable":1,"changed":0,"examples":[{"path":"/x","message":"gone"}],"complete":false},"#
        + #""port_taken":40009}"#, optional: ["status", "catalogue", "files", "port_taken"]),
  ]

  private static let controlParts = [
    MessageCase(
      Part<HashingProgress>.self, #"{"path":"/a","done":1,"total":2,"file":1,"files":3}"#),
    MessageCase(Part<PathProblem>.self, #"{"path":"/b","message":"Permission denied"}"#),
    MessageCase(Part<OwnFile>.self, #"{"path":"/b","state":"withdrawn"}"#, optional: ["state"]),
    MessageCase(
      Part<DownloadProgress>.self,
      #"{"received":1,"size":2,"state":"waiting","activity":"copying","rate":3,"eta":4,"sources":5,"peer":"alice","#
        + #""error":"no"}"#,
      optional: ["state", "activity", "rate", "eta", "sources", "peer", "error"]),
    MessageCase(
      Part<RunningTransfer>.self,
      #"{"id":7,"direction":"download","state":"active","activity":"copying","key":"rfc/793",\#(Sample.content),"received":1,"#
        + #""rate":5,"eta":9,"path":"/x","sources":[{"peer":"bob","id":"\#(Sample.peer)","host":"::1","rate":5,"bytes":1}],"pieces":4,"have":2,"#
        + #""priority":"low","error":"no"}"#,
      optional: ["activity", "key", "eta", "path", "sources", "pieces", "have", "priority", "error"]),
    MessageCase(Part<DownloadJob>.self, #"{"job":7,"waiter":3,"path":"/x","received":5}"#, optional: ["received"]),
    MessageCase(
      Part<RunningTransfer.Source>.self,
      #"{"peer":"bob","id":"\#(Sample.peer)","host":"::1","rate":5,"bytes":1,"error":"no"}"#,
      optional: ["host", "error"]),
    MessageCase(
      Part<DocumentResult>.self,
      #"{"key":"rfc/793",\#(Sample.content),"path":"/x","received":1,"#
        + #""sources":[{"peer":"bob","id":"\#(Sample.peer)","bytes":1}],"seconds":0.5}"#, optional: ["sources"]),
    MessageCase(
      Part<DocumentResult>.self, #"{"key":"rfc/793","error":"not-found","message":"no"}"#, optional: ["message"]),
    MessageCase(
      Part<ControlGetReply.Source>.self, #"{"peer":"bob","id":"\#(Sample.peer)","bytes":1,"error":"no"}"#,
      optional: ["error"]),
    MessageCase(
      Part<IndexState>.self,
      #"{"address":"192.0.2.1:7734","connected":false,"since":"2024-02-29T12:00:00Z","source":"connect","error":"no","#
        + #""id":"\#(Sample.peer)","role":"none"}"#,
      optional: ["connected", "error", "id", "role"]),
    MessageCase(Part<NamedPeer>.self, #"{"peer":"\#(Sample.peer)","name":"bob"}"#),
  ]

  // MARK: The supervisor's planes

  static let supervisor = [
    MessageCase(SupervisorLine.self, #"{"id":1,"op":"hello","protocol":1}"#),
    MessageCase(SupervisorLine.self, #"{"id":1,"op":"status"}"#),
    MessageCase(SupervisorLine.self, #"{"id":1,"op":"start","name":"alice"}"#, optional: ["name"]),
    MessageCase(SupervisorLine.self, #"{"id":1,"op":"stop","name":"alice"}"#, optional: ["name"]),
    MessageCase(SupervisorLine.self, #"{"id":1,"op":"stop"}"#),
    MessageCase(SupervisorLine.self, #"{"id":1,"op":"restart","name":"index"}"#, optional: ["name"]),
    MessageCase(SupervisorLine.self, #"{"id":1,"op":"reload"}"#),
    MessageCase(SupervisorLine.self, #"{"id":1,"op":"wait"}"#),
    MessageCase(
      Part<ProcessStatus>.self,
      #"{"event":"process","name":"alice","role":"peer","pid":42,"state":"ready","responsive":true,"restarts":3,"#
        + #""address":"127.0.0.1:4001","since":"1970-01-01T00:00:00Z","reason":"five exits"}"#,
      optional: ["pid", "reason"]),
  ]

  static let channel = [
    MessageCase(
      Part<IndexSettings>.self,
      #"{"address":":7734","allow_advertise":["10.0.0.0/8","2001:db8::1"],"memory":1,"memory_per_address":2,"#
        + #""records_per_address":3,"requests_per_address":4,"connections_per_address":5,"bytes_per_address":6,"sessions_per_member":7,"#
        + #""requests_per_member":8,"records_per_member":9,"bytes_per_member":10,"state":"/s","plain":"never","operator":1000}"#,
      optional: [
        "allow_advertise", "memory", "memory_per_address", "records_per_address", "requests_per_address",
        "connections_per_address", "bytes_per_address", "sessions_per_member", "requests_per_member",
        "records_per_member", "bytes_per_member", "state", "plain", "operator",
      ]),
    MessageCase(
      Part<PeerSettings>.self,
      #"{"state":"/s","control":"/c","index":"h:1","downloads":"/d","automatic":true,"advertise":"192.0.2.1","#
        + #""port_taken":5,"private":["/p"],"plain":"always","grace":60}"#,
      optional: ["automatic", "advertise", "port_taken", "private", "plain", "grace"]),
    MessageCase(
      Part<ChannelListeners>.self, #"{"index":3,"uploads":4,"control":65535}"#,
      optional: ["index", "uploads", "control"]),
    MessageCase(
      Part<ChannelAddresses>.self, #"{"index":"127.0.0.1:7734","uploads":"127.0.0.1:1","control":"/c"}"#,
      optional: ["index", "uploads", "control"]),
    MessageCase(
      Part<ChannelEvent>.self, #"{"event":"ready","channel":1,"addresses":{"control":"/c"}}"#, optional: ["channel"]),
    MessageCase(Part<ChannelEvent>.self, #"{"event":"heartbeat"}"#),
    MessageCase(Part<ChannelEvent>.self, #"{"event":"failed","message":"no key"}"#),
    MessageCase(Part<ChannelEvent>.self, #"{"event":"identity","id":"\#(Sample.peer)"}"#),
    MessageCase(Part<ChannelEvent>.self, #"{"event":"owned"}"#),
  ]

  // MARK: Failures

  static let failures = [
    MessageCase(
      FailureLine.self,
      #"{"id":7,"status":429,"error":"too-many","message":"too many","limit":"connections","value":5,"retry_after":3}"#,
      optional: ["id", "error", "message", "limit", "value", "retry_after"]),
    MessageCase(
      FailureLine.self,
      #"{"id":7,"status":503,"error":"unavailable","message":"alice is stopped","retry_after":30,"state":"stopped"}"#,
      optional: ["id", "error", "message", "state", "retry_after"]),
    MessageCase(
      FailureLine.self, #"{"id":7,"status":504,"error":"no-source","message":"none","job":7}"#,
      optional: ["id", "error", "message", "job"]),
    MessageCase(
      FailureLine.self,
      #"{"id":4,"status":422,"error":"no-input","message":"1 path","paths":[{"path":"/x","message":"gone"}]}"#,
      optional: ["id", "error", "message", "paths"]),
    MessageCase(
      FailureLine.self,
      #"{"id":4,"status":300,"error":"several-contents","message":"2","choices":[{\#(Sample.contentListing)}]}"#,
      optional: ["id", "error", "message", "choices"]),
    MessageCase(
      FailureLine.self,
      #"{"id":4,"status":300,"error":"ambiguous-peer","message":"2","peers":[{"peer":"\#(Sample.peer)","name":"bob"},"#
        + #"{"peer":"\#(Sample.other)","name":"bob"}]}"#, optional: ["id", "error", "message", "peers"]),
  ]
}
