// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import DocumentModel
import Testing
import WireProtocol

/// Findings of `doctor`, with their cures.
@Suite struct DiagnosisTests {
  // MARK: Facts

  private static func facts(_ change: (inout DoctorFacts) throws -> Void = { _ in }) throws -> DoctorFacts {
    var facts = DoctorFacts(
      version: "0.1.0", user: 1_000, supervisorSocket: "/h/run/supervisor.sock",
      supervisor: .answers(server: "p2p-supervisor/0.1.0"))
    facts.processes = try ["supervisor", "index", "alice"].map { try process($0) }
    facts.peers = [try peer()]
    facts.places = [.init(path: "/h/run", isSecret: false, mode: 0o700, owner: 1_000)]
    facts.disks = [.init(path: "/h/state", free: 50 << 30, size: 100 << 30, freeFiles: 1 << 20)]
    facts.descriptors = [.init(process: "alice", open: 20, limit: 20_000)]
    try change(&facts)
    return facts
  }

  private static func process(_ name: String, _ state: String = "ready", responsive: Bool = true) throws
    -> ProcessStatus
  {
    ProcessStatus(
      name: name, role: ProcessRole(rawValue: name) ?? .peer, pid: 7, state: state, responsive: responsive, restarts: 0,
      address: "127.0.0.1:7734", since: try Timestamp("2026-01-02T03:04:05Z"))
  }

  private static func peer(
    index: String = "127.0.0.1:7734", connected: Bool = true, error: String? = nil,
    source: IndexState.Source = .settings,
    uploads: String = "127.0.0.1:40001", examination: ControlDoctorReply? = nil
  ) throws -> DoctorFacts.Peer {
    let status = ControlStatusReply(
      name: try PeerName("alice"), peer: try #require(PeerID(hex: Sample.id)), socket: "/h/run/alice.sock",
      uploads: try Endpoint(uploads),
      index: IndexState(
        address: try Endpoint(index), connected: connected, since: try Timestamp("2026-01-02T03:04:05Z"),
        source: source,
        error: error), documents: 1, bytes: 1)
    let found = ControlDoctorReply(
      index: .init(server: "p2p-index/0.1.0", seconds: 0.0004, skew: 1),
      uploads: .init(address: try Endpoint(uploads), reachable: true), catalogue: ControlDoctorReply.Catalogue(),
      files: ControlDoctorReply.Files(checked: 1))
    return DoctorFacts.Peer(
      name: "alice", socket: "/h/run/alice.sock", answer: .answers(server: "p2p-peer/0.1.0"), status: status,
      examination: examination ?? found)
  }

  /// The findings that are not `ok`.
  private func problems(_ change: (inout DoctorFacts) throws -> Void) throws -> [Finding] {
    let findings = Diagnosis(try Self.facts(change)).findings
    for finding in findings { #expect(finding.cure.isEmpty == (finding.severity == .ok), "\(finding)") }
    return findings.filter { $0.severity != .ok }
  }

  private func only(_ check: Finding.Check, _ change: (inout DoctorFacts) throws -> Void) throws -> Finding {
    let findings = try problems(change)
    #expect(findings.count == 1, "\(findings)")
    let finding = try #require(findings.first)
    #expect(finding.check == check)
    return finding
  }

  // MARK: No problems

  @Test func `healthy system passes every check`() throws {
    let findings = Diagnosis(try Self.facts()).findings
    #expect(findings.allSatisfy { $0.severity == .ok })
    #expect(Set(findings.map(\.check)) == Set(Finding.Check.allCases))
    #expect(findings.contains { $0.message == "alice's index 127.0.0.1:7734 answers in 1 ms (p2p-index/0.1.0)" })
  }

  @Test func `peer started by hand needs no supervisor`() throws {
    let findings = try problems {
      $0.supervisor = .down("the socket does not exist")
      $0.processes = []
    }
    #expect(findings.isEmpty)
  }

  // MARK: Sockets and processes

  @Test func `nothing running is one finding`() throws {
    let finding = try only(.sockets) {
      $0.supervisor = .down("the socket does not exist")
      $0.processes = []
      $0.peers = [.init(name: "alice", socket: "/h/run/alice.sock", answer: .down("the socket does not exist"))]
    }
    #expect(finding.severity == .problem)
    #expect(finding.cure.contains("p2pctl supervisor start"))
  }

  @Test(arguments: [DoctorFacts.Answer.down("nothing is listening"), .unresponsive("alice is parked")])
  func `stopped peer is one finding with its state and log`(answer: DoctorFacts.Answer) throws {
    let finding = try only(.processes) {
      $0.processes[2] = try Self.process("alice", "parked")
      $0.peers = [.init(name: "alice", socket: "/h/run/alice.sock", answer: answer)]
    }
    #expect(finding.message == "alice is parked")
    #expect(finding.cure == "p2pctl logs alice, then: p2pctl supervisor start alice")
  }

  @Test(arguments: [
    ("starting", Finding.Severity.warning), ("stopping", .warning), ("stopped", .warning), ("backing-off", .problem),
    ("parked", .problem), ("of a later version", .problem),
  ])
  func `process that is not ready is reported`(state: String, severity: Finding.Severity) throws {
    let finding = try only(.processes) { $0.processes[1] = try Self.process("index", state) }
    #expect(finding.severity == severity)
    #expect(finding.message == "index is \(state)")
  }

  @Test func `unresponsive process is a problem`() throws {
    let finding = try only(.processes) { $0.processes[2] = try Self.process("alice", responsive: false) }
    #expect(finding.severity == .problem)
    #expect(finding.cure.contains("p2pctl supervisor restart alice"))
  }

  @Test(arguments: [DoctorFacts.Answer.notPermitted, .unresponsive("no answer within 2 s")])
  func `socket that does not answer is a problem`(answer: DoctorFacts.Answer) throws {
    let peer = try only(.sockets) { $0.peers = [.init(name: "alice", socket: "/s", answer: answer)] }
    #expect(peer.severity == .problem)
    let supervisor = try only(.sockets) {
      $0.supervisor = answer
      $0.processes = []
    }
    #expect(supervisor.message.contains("supervisor"))
  }

  @Test func `supervisor that does not answer is a problem even if peers do`() throws {
    for (answer, cure) in [
      (DoctorFacts.Answer.notPermitted, "Run this as that user or as root."),
      (.unresponsive("no answer within 2 s"), "Check its log: p2pctl logs supervisor."),
    ] {
      let finding = try only(.sockets) {
        $0.supervisor = answer
        $0.processes = []
      }
      #expect(finding.severity == .problem && finding.cure.hasPrefix(cure))
    }
  }

  @Test func `cure of a peer started by hand does not mention the supervisor's processes`() throws {
    let down = DoctorFacts.Peer(name: "bob", socket: "/s", answer: .down("nothing is listening"))
    let mute = DoctorFacts.Peer(name: "carol", socket: "/t", answer: .unresponsive("no answer within 2 s"))
    let findings = try problems {
      $0.supervisor = .down("the socket does not exist")
      $0.processes = []
      $0.peers += [down, mute]
    }
    #expect(findings.map(\.cure) == ["Start it: p2pctl supervisor start", "Restart it."])
    let supervised = try problems { $0.peers += [down, mute] }
    #expect(
      supervised.map(\.cure) == [
        "p2pctl logs bob, then: p2pctl supervisor start bob",
        "p2pctl logs carol, then: p2pctl supervisor restart carol",
      ])
  }

  @Test func `peers that answer are named together`() throws {
    let facts = try Self.facts {
      $0.peers.append(.init(name: "bob", socket: "/s", answer: .answers(server: "p2p-peer/0.1.0")))
    }
    let messages = Diagnosis(facts).findings.map(\.message)
    #expect(messages.contains("alice, bob answer"))
    #expect(messages.contains("the supervisor answers"))
    #expect(messages.contains("all processes are ready: supervisor, index, alice"))
    #expect(messages.contains("all programs have version 0.1.0"))
  }

  @Test func `findings come in order of dependency`() throws {
    let checks = Diagnosis(try Self.facts()).findings.map(\.check)
    let order = Finding.Check.allCases
    let positions = checks.compactMap { order.firstIndex(of: $0) }
    #expect(positions == positions.sorted())
  }

  // MARK: Versions and rights

  @Test func `older daemon is a warning`() throws {
    let finding = try only(.versions) { $0.peers[0].answer = .answers(server: "p2p-peer/0.0.9") }
    #expect(finding.severity == .warning)
    #expect(finding.message == "alice runs p2p-peer/0.0.9, but this is p2pctl 0.1.0")
  }

  @Test func `paths open to other users are problems`() throws {
    let findings = try problems {
      $0.places = [
        .init(path: "/h/run", isSecret: false, mode: 0o777, owner: 1_000),
        .init(path: "/h/state/alice", isSecret: false, mode: 0o755, owner: 0),
        .init(path: "/h/state/alice/key.pem", isSecret: true, mode: 0o640, owner: 1_000),
        .init(path: "/h/state", isSecret: false, mode: 0o700, owner: 33),
      ]
    }
    #expect(findings.map(\.check) == [.rights, .rights, .rights])
    #expect(
      findings.map(\.cure) == [
        "Fix it: chmod go-w /h/run", "Fix it: chmod 600 /h/state/alice/key.pem",
        "Find out who made it, and stop using this peer until then: ls -ld /h/state",
      ])
  }

  // MARK: A peer of the machine's supervisor

  @Test func `ordinary user of a machine has no problems that are root's`() throws {
    let findings = try problems {
      $0.supervisor = .notPermitted
      $0.supervisorIsOfSystem = true
      $0.processes = []
      $0.peers[0].isOfSystem = true
    }
    #expect(findings.isEmpty)
  }

  @Test func `cures on a machine are commands for root`() throws {
    let finding = try only(.sockets) {
      $0.supervisor = .notPermitted
      $0.supervisorIsOfSystem = true
      $0.processes = []
      $0.peers = [.init(name: "alice", socket: "/s", answer: .down("nothing is listening"), isOfSystem: true)]
    }
    #expect(finding.cure == "p2pctl logs alice, then: sudo p2pctl supervisor start alice")
    let nothing = try only(.sockets) {
      $0.supervisor = .down("the socket does not exist")
      $0.supervisorIsOfSystem = true
      $0.startCommand = "sudo p2pctl supervisor start"
      $0.processes = []
      $0.peers = []
    }
    #expect(nothing.cure == "Start everything: sudo p2pctl supervisor start")
  }

  // MARK: Lost sockets

  @Test func `lost sockets of running processes are found`() throws {
    let peer = try only(.sockets) {
      $0.peers = [.init(name: "alice", socket: "/s", answer: .down("the socket does not exist"))]
    }
    #expect(peer.message == "alice is running, but its socket /s is gone")
    let supervisor = try only(.sockets) {
      $0.supervisor = .down("the socket does not exist")
      $0.lostSupervisor = LockedSupervisor(pid: 77)
      $0.processes = []
    }
    #expect(supervisor.message == "the supervisor runs as process 77, but its socket /h/run/supervisor.sock is gone")
  }

  @Test func `running peers are recognised without any socket`() throws {
    let findings = try problems {
      $0.supervisor = .down("the socket does not exist")
      $0.lostSupervisor = LockedSupervisor(pid: nil)
      $0.processes = []
      $0.peers = [
        .init(name: "alice", socket: "/s", answer: .down("the socket does not exist"), isLocked: true)
      ]
    }
    #expect(
      findings.map(\.message) == [
        "the supervisor runs, but its socket /h/run/supervisor.sock is gone",
        "alice is running, but its socket /s is gone",
      ])
    #expect(findings.allSatisfy { $0.cure.hasSuffix("If not: p2pctl supervisor stop, then: p2pctl supervisor start") })
    let alone = try problems {
      $0.supervisor = .down("the socket does not exist")
      $0.processes = []
      $0.peers = [
        .init(name: "alice", socket: "/s", answer: .down("the socket does not exist"), isLocked: true)
      ]
    }
    #expect(alone.map(\.message) == ["alice is running, but its socket /s is gone"])
  }

  // MARK: What lies in the way

  @Test func `directory in the place of a socket is moved away, its rights stay`() throws {
    let finding = try only(.sockets) {
      $0.peers = [.init(name: "alice", socket: "/h/my run/alice.sock", answer: .obstacle("a directory"))]
      $0.places = [.init(path: "/h/my run/alice.sock", isSecret: true, mode: 0o755, owner: 1_000)]
    }
    #expect(finding.message == "/h/my run/alice.sock is a directory: the socket of alice belongs there")
    #expect(
      finding.cure
        == #"Move it away: mv /h/my\ run/alice.sock /h/my\ run/alice.sock.aside. "#
        + "The supervisor makes a new one within seconds.")
    let key = try only(.rights) {
      $0.places = [.init(path: "/k", isSecret: true, mode: 0o755, owner: 1_000, obstacle: "a directory")]
    }
    #expect(key.cure == "Move it away, then restart this peer: mv /k /k.aside")
  }

  @Test func `listener of another user is named, and its socket's rights stay`() throws {
    let finding = try only(.sockets) {
      $0.supervisor = .notPermitted
      $0.supervisorIsOfSystem = true
      $0.processes = []
      $0.peers = [.init(name: "alice", socket: "/s", answer: .foreignListener("mallory"), isOfSystem: true)]
      $0.places = [.init(path: "/s", isSecret: true, mode: 0o777, owner: 66)]
    }
    #expect(
      finding.message == "a process of mallory listens at /s, the socket of alice: nothing was sent to it")
    #expect(finding.cure.contains("sudo mv /s /s.aside") && !finding.cure.contains("chmod"))
  }

  @Test func `user without a peer on a machine has no problem`() throws {
    let finding = try only(.sockets) {
      $0.supervisor = .notPermitted
      $0.supervisorIsOfSystem = true
      $0.processes = []
      $0.peers = []
    }
    #expect(finding.severity == .warning && finding.message == "no peer on this machine is yours")
    #expect(finding.cure.hasSuffix("or start your own: p2pctl supervisor start"))
  }

  @Test func `cures of root's files and processes begin with sudo`() throws {
    let findings = try problems {
      $0.supervisor = .unresponsive("no answer within 2 s")
      $0.supervisorIsOfSystem = true
      $0.processes = [try Self.process("index", "parked")]
      $0.places = [.init(path: "/run/p2p", isSecret: false, mode: 0o777, owner: 0)]
    }
    #expect(
      findings.map(\.cure) == [
        "Check its log: sudo p2pctl logs supervisor. If it hangs, kill it: the next start takes over its processes.",
        "sudo p2pctl logs index, then: sudo p2pctl supervisor start index", "Fix it: sudo chmod go-w /run/p2p",
      ])
  }

  // MARK: Catalogue and files

  private func examined(_ change: (inout ControlDoctorReply) -> Void) throws -> Finding {
    var reply = ControlDoctorReply(
      index: .init(server: "p2p-index/0.1.0"), uploads: nil, catalogue: ControlDoctorReply.Catalogue(),
      files: ControlDoctorReply.Files(checked: 9))
    change(&reply)
    let findings = try problems { $0.peers = [try Self.peer(examination: reply)] }
    #expect(findings.count == 1, "\(findings)")
    return try #require(findings.first)
  }

  @Test func `lost state directory is a problem with its consequence`() throws {
    let finding = try examined { $0.catalogue?.error = "/h/state/alice/catalogue.sqlite: was removed" }
    #expect(finding.check == .catalogue && finding.severity == .problem)
    #expect(finding.message == "alice records nothing: /h/state/alice/catalogue.sqlite: was removed")
    #expect(finding.cure.contains("Then: p2pctl supervisor restart alice."))
  }

  @Test func `catalogue that was put aside or came back empty is reported`() throws {
    let aside = try examined { $0.catalogue?.aside = ["/h/catalogue.sqlite.damaged-1"] }
    #expect(aside.message == "a damaged catalogue of alice was put aside: /h/catalogue.sqlite.damaged-1")
    let empty = try examined { $0.catalogue?.cameBackEmpty = true }
    #expect(empty.check == .catalogue && empty.severity == .warning)
  }

  @Test func `files that cannot be served are named`() throws {
    let unusable = try examined {
      $0.files = .init(
        checked: 9, unusable: 2, examples: [.init(path: "/x", message: "Permission denied")])
    }
    #expect(unusable.severity == .problem)
    #expect(unusable.message == "2 shared files of alice cannot be read: /x: Permission denied")
    let changed = try examined { $0.files = .init(checked: 9, changed: 1) }
    #expect(changed.severity == .warning && changed.message == "1 shared file of alice changed since")
    let hanging = try examined { $0.files = .init(checked: 4, complete: false) }
    #expect(hanging.message == "only 4 shared files of alice were checked in time")
  }

  @Test func `taken upload port is a warning`() throws {
    let finding = try examined { $0.portTaken = 40_009 }
    #expect(finding.check == .reachability && finding.severity == .warning)
    #expect(finding.message.contains("upload port 40009 at the last start; it now uses 40001"))
  }

  @Test func `root accepts any owner`() throws {
    #expect(
      try problems {
        $0.user = 0
        $0.places = [.init(path: "/var/lib/p2p/alice", isSecret: false, mode: 0o700, owner: 33)]
      }.isEmpty)
  }

  // MARK: Index and reachability

  @Test func `unreachable index is reported with its reason`() throws {
    let finding = try only(.index) {
      $0.peers = [try Self.peer(index: "192.0.2.1:7734", connected: false, error: "No route to host", source: .connect)]
    }
    #expect(finding.severity == .problem)
    #expect(
      finding.message
        == "alice's index 192.0.2.1:7734 has been unreachable since 2026-01-02T03:04:05Z: No route to host")
    #expect(finding.cure.contains("TCP port 7734"))
    #expect(finding.cure.contains("connect --default"))
  }

  @Test func `index that refuses the peer is not called unreachable`() throws {
    let banned = "this peer is banned from the network"
    let finding = try only(.index) {
      $0.peers = [
        try Self.peer(
          index: "192.0.2.1:7734", connected: false, error: banned,
          examination: .init(index: .init(error: banned, refused: true), uploads: nil))
      ]
    }
    #expect(finding.message == "alice cannot use its index 192.0.2.1:7734: \(banned)")
    #expect(finding.cure.contains("p2pctl join TICKET") && !finding.cure.contains("TCP port"))
    #expect(finding.cure.contains("p2pctl network unban \(Sample.id.prefix(16))"))
  }

  @Test func `an index with another id is compared, not joined`() throws {
    let other = try #require(PeerID(hex: Sample.otherID))
    let finding = try only(.index) {
      $0.peers = [
        try Self.peer(
          index: "192.0.2.1:7734", connected: false,
          examination: .init(index: .init(error: "another id", refused: true, found: other), uploads: nil))
      ]
    }
    #expect(finding.cure.contains("p2pctl connect 192.0.2.1:7734 --id \(Sample.otherID)"))
    #expect(!finding.cure.contains("Ask an admin") && !finding.cure.contains("unban"))
  }

  @Test func `an announcement that failed is a warning while the index answers`() throws {
    let finding = try only(.index) { $0.peers = [try Self.peer(error: "the index rejected the announcement: full")] }
    #expect(finding.severity == .warning && finding.message.contains("rejected the announcement: full"))
    #expect(finding.cure.contains("p2pctl logs alice"))
  }

  @Test func `documents that the index does not permit are a problem`() throws {
    let finding = try only(.index) {
      $0.peers[0].examination?.index.refusedDocuments = 1
    }
    #expect(finding.severity == .problem && finding.message.contains("does not permit 1 document of alice"))
    #expect(finding.cure.contains("list --mine") && finding.cure.contains("--allow ID"))
  }

  @Test(arguments: [false, true])
  func `a limit of the index is named, and no port is to be opened`(isConnected: Bool) throws {
    let reason = "too many connections from one address"
    let finding = try only(.index) {
      $0.peers = [
        try Self.peer(
          index: "192.0.2.1:7734", connected: isConnected, error: reason, uploads: "192.0.2.7:40001",
          examination: .init(
            index: .init(error: reason, limit: .init("connections_per_address", 1)), uploads: nil))
      ]
    }
    #expect(finding.severity == .problem && finding.message.contains(reason))
    #expect(finding.cure.contains("connections_per_address, now 1") && !finding.cure.contains("TCP port"))
  }

  @Test func `local index has its own cures`() throws {
    let unconnected = try Self.peer(connected: false)
    let parked = try problems {
      $0.peers = [unconnected]
      $0.processes[1] = try Self.process("index", "parked")
    }
    #expect(parked.last?.cure == "p2pctl logs index, then: p2pctl supervisor start index")
    let none = try only(.index) {
      $0.peers = [unconnected]
      $0.processes.remove(at: 1)
    }
    #expect(none.cure.contains("--serve-index"))
    let elsewhere = try only(.index) { $0.peers = [try Self.peer(index: "127.0.0.1:9", connected: false)] }
    #expect(elsewhere.cure.contains("The index on this machine is at 127.0.0.1:7734."))
  }

  @Test func `connected index may not answer`() throws {
    let finding = try only(.index) {
      $0.peers = [try Self.peer(examination: .init(index: .init(error: "it does not answer"), uploads: nil))]
    }
    #expect(finding.message.contains("is connected but does not answer"))
  }

  @Test func `peer on loopback with a remote index is a problem`() throws {
    let finding = try only(.reachability) { $0.peers = [try Self.peer(index: "192.0.2.1:7734")] }
    #expect(finding.severity == .problem)
    #expect(
      finding.cure == "Start it with that index: p2pctl supervisor stop, then: "
        + "p2pctl supervisor start --index 192.0.2.1:7734 --serve-index --peer alice")
  }

  @Test func `peer that also listens where the index reports it is reachable`() throws {
    let found = try problems {
      $0.peers = [
        try Self.peer(
          index: "192.0.2.1:7734", uploads: "127.0.0.1:40001",
          examination: .init(
            index: .init(server: "p2p-index/0.1.0"),
            uploads: .init(address: try Endpoint("198.51.100.7:40001"), reachable: true, error: nil)))
      ]
    }
    #expect(found.isEmpty, "\(found)")
  }

  @Test func `peer that cannot reach itself is a warning`() throws {
    let address = try Endpoint("198.51.100.7:40001")
    let finding = try only(.reachability) {
      $0.peers = [
        try Self.peer(
          index: "192.0.2.1:7734", uploads: "0.0.0.0:40001",
          examination: .init(
            index: .init(server: "p2p-index/0.1.0"),
            uploads: .init(address: address, reachable: false, error: "no answer in time")))
      ]
    }
    #expect(finding.severity == .warning)
    #expect(finding.message.hasSuffix("198.51.100.7:40001, its address in the index: no answer in time"))
    #expect(finding.cure.contains("TCP port 40001"))
  }

  @Test func `peer that was not examined has no reachability finding`() throws {
    var peer = try Self.peer(index: "192.0.2.1:7734", uploads: "0.0.0.0:40001")
    peer.examination = nil
    let findings = Diagnosis(try Self.facts { $0.peers = [peer] }).findings
    #expect(!findings.contains { $0.check == .reachability || $0.check == .clock })
    #expect(findings.contains { $0.message == "alice's index 192.0.2.1:7734 is connected" })
  }

  @Test(arguments: [
    (0.0, "0 ms"), (0.0004, "1 ms"), (0.25, "250 ms"), (0.9991, "1000 ms"), (2.04, "2.0 s"), (-1, "0 ms"),
  ])
  func `answer time is rounded up`(seconds: Double, text: String) throws {
    let reply = ControlDoctorReply(index: .init(server: "p2p-index/0.1.0", seconds: seconds, skew: 0), uploads: nil)
    let facts = try Self.facts { $0.peers = [try Self.peer(examination: reply)] }
    #expect(
      Diagnosis(facts).findings.contains {
        $0.message == "alice's index 127.0.0.1:7734 answers in \(text) (p2p-index/0.1.0)"
      })
  }

  // MARK: Resources

  @Test(
    arguments: [
      (1, 100 << 10, 5_000, .problem), (500, 100 << 10, 5_000, .warning), (500, 2 << 10, nil, .ok),
      (50 << 10, 100 << 10, 10, .problem), (0, 0, nil, .problem),
    ] as [(Int64, Int64, Int64?, Finding.Severity)])
  func `full disk is reported`(free: Int64, size: Int64, files: Int64?, severity: Finding.Severity) throws {
    // In MiB.
    let disk = DoctorFacts.Disk(path: "/h/state", free: free << 20, size: size << 20, freeFiles: files)
    let findings = try problems { $0.disks = [disk] }
    #expect(findings.first?.severity ?? .ok == severity)
    if free == 1 {
      #expect(
        findings.first?.message
          == "too little space at /h/state (1.0 MiB free of 100.0 GiB): less than 64.0 MiB are free")
    }
  }

  @Test func `read-only file system is a problem`() throws {
    let finding = try only(.disk) {
      $0.disks = [.init(path: "/h", free: 50 << 30, size: 100 << 30, isReadOnly: true)]
    }
    #expect(finding.message.contains("read-only"))
  }

  @Test(arguments: [
    (950, 1_024, Finding.Severity.problem), (800, 1_024, .warning), (20, 256, .warning), (20, 1_024, .ok),
    (1_000, Int.max, .ok),
  ])
  func `descriptor shortage is reported`(open: Int, limit: Int, severity: Finding.Severity) throws {
    let findings = try problems { $0.descriptors = [.init(process: "alice", open: open, limit: limit)] }
    #expect(findings.first?.severity ?? .ok == severity)
  }

  // MARK: Clock

  @Test(
    arguments: [
      (3_600, "1 h 00 min behind"), (-45, "45 s ahead of"), (30, nil), (-30, nil), (.min, "- ahead of"),
    ] as [(Int64, String?)])
  func `wrong clock is one warning per index`(skew: Int64, expected: String?) throws {
    let findings = try problems {
      let reply = ControlDoctorReply(index: .init(server: "p2p-index/0.1.0", skew: skew), uploads: nil)
      $0.peers = [try Self.peer(examination: reply), try Self.peer(examination: reply)]
    }
    #expect(
      findings.map(\.message) == [expected.map { "this clock is \($0) the one at 127.0.0.1:7734" }].compactMap { $0 })
  }
}
