// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import enum ConsoleCommands.ExitStatus
import TestSupport
import Testing

/// What happens at a terminal if no daemon is running.
@Suite struct FirstRunTests {
  @Test func `user is asked for the index`() throws {
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
    try fixture.install("#!/bin/sh\necho \"$@\" >&2\nexit 1\n")
    fixture.answers = [.text("not an address:x"), .text(" index.example.org ")]
    #expect(fixture.run("status") == .failed)
    #expect(fixture.errors.text.contains("Not a valid address"))
    #expect(fixture.errors.text.contains("--index index.example.org:7734"))
  }

  @Test func `empty answer starts an index here`() throws {
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
    try fixture.install("#!/bin/sh\necho \"[$@]\" >&2\nexit 1\n")
    fixture.answers = [.text("")]
    #expect(fixture.run("status") == .failed)
    #expect(fixture.errors.text.contains("[run --home \(fixture.home.path)]"))
  }

  @Test func `Ctrl-C ends the question`() throws {
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
    fixture.answers = [.interrupted, .text("")]
    #expect(fixture.run("status") == .interrupted)
    #expect(fixture.answers.count == 1)
    #expect(!fixture.errors.text.contains("p2pctl:"))
  }

  @Test func `invalid addresses are rejected three times at most`() throws {
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
    fixture.answers = [.text("two words"), .text("\u{1B}[2J"), .text("::1")]
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("two words: this is not a host name"))
    #expect(fixture.errors.text.contains("::1: put an IPv6 address in brackets: [::1]:7734"))
    #expect(!fixture.errors.text.contains("\u{1B}"))
    #expect(fixture.answers.isEmpty)
  }

  @Test func `shell without daemon ends when the user declines`() throws {
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
    #expect(fixture.run() == .unavailable)
    #expect(fixture.errors.text.contains("p2pctl supervisor start"))
    #expect(!fixture.errors.text.contains("Type help"))
  }

  @Test func `declining shows how to start`() throws {
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("p2pctl supervisor start"))
  }

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1:7734"), ("[::1]:5", "[::1]:5"), ("[2001:db8::1]", "[2001:db8::1]:7734"),
    ("\t index.example.org:80 ", "index.example.org:80"),
  ])
  func `answer becomes the index address`(answer: String, address: String) throws {
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
    try fixture.install("#!/bin/sh\necho \"[$@]\" >&2\nexit 1\n")
    fixture.answers = [.text(answer)]
    #expect(fixture.run("list") == .failed)
    #expect(fixture.errors.text.contains("[run --home \(fixture.home.path) --index \(address)]"))
  }

  @Test(arguments: [
    Console.Terminal(isInput: true, isOutput: true), Console.Terminal(isInput: true, isErrors: true),
    Console.Terminal(isOutput: true, isErrors: true),
  ])
  func `nobody is asked without a terminal on all streams`(terminal: Console.Terminal) throws {
    let fixture = try CommandFixture()
    fixture.terminal = terminal
    fixture.answers = [.text("")]
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.answers.count == 1)
  }

  @Test func `nobody is asked about a selected socket or beside a supervisor`() throws {
    let fixture = try CommandFixture()
    fixture.terminal = Console.Terminal(isInput: true, isOutput: true, isErrors: true)
    fixture.answers = [.text("")]
    #expect(fixture.run("status", "--socket", fixture.socket("bob")) == .unavailable)
    let supervisor = try ScriptedDaemon(
      at: fixture.socket("supervisor"), greeting: ScriptedDaemon.supervisorGreeting,
      .line(#"{"id":2,"status":200,"processes":0}"#))
    #expect(fixture.run("status") == .unavailable)
    #expect(fixture.errors.text.contains("The supervisor is running, but without a peer of yours."))
    #expect(fixture.answers.count == 1)
    _ = supervisor
  }
}
