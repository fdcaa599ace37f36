// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import POSIXSupport
import ProcessSupport
import WireProtocol

struct JoinCommand: ConsoleCommand {
  static let example = "join -"
  static let configuration: CommandConfiguration = .verb(
    "join", "Join a closed network with the ticket that you were given.",
    """
    Starts your daemon if it is not running, and uses the index of the ticket from then on. What you shared before is \
    announced to the new network only with --share-existing. A ticket on the command line can be seen by other users of \
    this machine while the command runs: - reads it from standard input, where you paste it and press Enter. It may be \
    broken into lines or quoted, or stand in a mail.
    """)

  @Argument(
    help: ArgumentHelp("The line that begins with \(Ticket.prefix), or - for standard input.", valueName: "ticket"))
  var ticket: [String]

  @Flag(help: "Also announce what was shared before.")
  var shareExisting = false

  @OptionGroup var daemon: DaemonOptions

  /// The daemon tries the addresses of the ticket for 10 s, and waits for the connection and for its disk.
  private static let timeout = Duration.seconds(60)

  func perform(on console: Console) throws -> ExitStatus {
    ProcessResources.leaveNoCoreDump()
    let ticket = try readTicket(from: console)
    try startIfNeeded(on: console)
    let reply: ControlJoinReply
    do {
      reply = try DaemonClient(console: console, options: daemon, offersStart: false).request(
        .join(JoinNetwork(ticket, sharesExisting: shareExisting)), timeout: Self.timeout)
    } catch let failure as CommandFailure where failure.wire != nil {
      // It knows the index that was used before, not that of the ticket.
      throw failure.withoutAdvice(of: "doctor")
    }
    if daemon.json {
      try console.writeJSON(reply.members)
      return .done
    }
    try console.writeLine(
      TextRules.escapedForTerminal(
        "joined the network of the index \(shortID(reply.index)) at \(reply.address) as \(reply.role.rawValue)"))
    console.noteWithheld(reply.withheld, command: "join TICKET")
    return .done
  }

  /// At a terminal, lines are read until the ticket is complete, so that no piece of it is left to the shell.
  private func readTicket(from console: Console) throws -> Ticket {
    let (isTyped, isStandardInput) = (console.terminal.isInput, ticket == ["-"])
    var text = ""
    if !isStandardInput {
      text = ticket.joined(separator: " ")
    } else if isTyped {
      console.noteLine("Paste the ticket and press Enter. Ctrl-D ends it:")
    } else {
      text = try Self.read(console.input)
    }
    var found = TicketText(text)
    let isGiven = found.isComplete
    var (isFirst, isExplained) = (isStandardInput, false)
    while isTyped, Self.goesOn(found) || (isStandardInput && found == .none), text.utf8.count < TicketText.maxLength {
      if !isFirst, !isExplained, found != .none {
        console.noteLine("The ticket goes on: paste the rest. Ctrl-D ends it.")
        isExplained = true
      }
      guard let line = try console.pastedLine(isFirst ? "" : "> ") else { break }
      (text, isFirst) = (try console.pasted(after: text + "\n" + line), false)
      found = TicketText(text)
    }
    // What was pasted behind it may be pieces of the ticket, or a signature.
    if isTyped, !isGiven { try console.dropPasted() }
    do throws(InvalidValue) {
      return try found.ticket()
    } catch {
      guard text.contains(where: { !$0.isWhitespace }) else {
        throw CommandFailure(.noInput, "standard input has no ticket")
      }
      throw CommandFailure(ofTicket: error)
    }
  }

  private static func goesOn(_ text: TicketText) -> Bool {
    if case .incomplete = text { true } else { false }
  }

  private static func read(_ descriptor: CInt) throws(CommandFailure) -> String {
    do throws(SystemError) {
      return String(decoding: try SmallFile.prefix(of: descriptor, max: TicketText.maxLength), as: UTF8.self)
    } catch {
      throw CommandFailure(.noInput, "cannot read the ticket from standard input: \(error)")
    }
  }

  private func startIfNeeded(on console: Console) throws {
    guard daemon.socket == nil else { return }
    let supervisor = SupervisorClient(console: console)
    do {
      _ = try supervisor.processes()
    } catch let error as ControlError {
      guard SupervisorClient.isMissing(error), try supervisor.locked(after: error) == nil else { return }
      guard try !isDaemonRunning(on: console) else { return }
      try SupervisorStartCommand.startForJoin(daemon.peer, on: console)
    }
  }

  /// A daemon may run without a supervisor.
  private func isDaemonRunning(on console: Console) throws -> Bool {
    do {
      _ = try ControlConnection.open(
        try console.socketSearch.controlSocket(of: daemon.peer).path, role: .peer, timeout: console.helloTimeout)
      return true
    } catch let error as ControlError {
      return !SupervisorClient.isMissing(error)
    } catch let failure as SocketSearch.Failure {
      throw CommandFailure(failure)
    }
  }
}

extension CommandFailure {
  /// - Parameter error: why a text is no ticket, which it does not repeat.
  init(ofTicket error: InvalidValue) {
    self.init(.usage, TextRules.escapedForTerminal(error.reason), ["An admin makes one with: p2pctl network invite"])
  }
}

extension Console {
  /// Says that documents of other networks are not announced.
  /// - Parameter command: what announces them, with `--share-existing`.
  func noteWithheld(_ documents: Int, command: String) {
    guard documents > 0 else { return }
    let (stay, them) = documents == 1 ? ("stays", "it") : ("stay", "them")
    noteLine(
      "\(Quantity.count(documents, "document")) shared before \(stay) unknown to this network. To announce \(them): "
        + "p2pctl \(command) --share-existing")
  }
}

extension SupervisorStartCommand {
  /// Starts what the configuration or the last start says, and a peer if that was an index alone; else one peer. Names no
  /// index, because `join` gives its address and its id together.
  static func startForJoin(_ peer: PeerName?, on console: Console) throws {
    var command = try parse([])
    let layout = try command.layout(on: console)
    if !StartAdvice.exists(layout.configurationFile) {
      guard let name = peer ?? console.environment.user else {
        throw CommandFailure(.usage, "cannot name a peer after the user: name one with --peer NAME")
      }
      let before = try RememberedStart.read(in: layout)
      let wanted =
        before?.adding(name, isWanted: peer != nil) ?? RememberedStart(flags: ["--peer", name.text])
      if wanted != before { command = try parse(wanted.flags) }
      if before != nil, wanted != before { console.noteLine("Starting as before, with a peer: \(wanted.text)") }
    }
    let source = try command.source(in: layout, on: console)
    let started = try SupervisorLaunch(
      console: console, layout: layout, flags: try command.arguments(source, on: console)
    ).perform { command.remember(source, in: layout, on: console) }
    guard started.isReady else { throw CommandFailure.notReady(started.processes) }
    console.noteLine("Started. Stop it with: p2pctl supervisor stop")
  }
}
