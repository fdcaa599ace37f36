// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// A peer-to-peer network with a centralized index. The layers below are the module graph: a target may import
// what its line names and nothing else (--explicit-target-dependency-import-check error holds this).

// MARK: Third-party modules

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioConcurrency = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let tomlKit = Target.Dependency.product(name: "TOMLKit", package: "TOMLKit")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

// MARK: How executables are linked in release builds

/// No shared library at all: nothing to install, and half the time to start, which is the time to serve again after a
/// crash. The libraries named are those that the toolchain's static ones need and do not name themselves. What such an
/// executable must not do is load plug-ins of the C library, as looking up hosts or users may (nss_files_and_dns_only).
func staticExecutable(_ libraries: [String]) -> [LinkerSetting] {
  let flags = ["-static-executable"] + libraries.map { "-l\($0)" } + ["-Xlinker", "-s"]
  return [.unsafeFlags(flags, .when(configuration: .release))]
}
let argumentParserNeeds = ["swiftSynchronization", "_FoundationCShims", "_FoundationCollections"]
let editLineNeeds = ["tinfo", "bsd", "md"]
/// GRDB needs all of Foundation.
let foundationNeeds = ["Foundation", "CoreFoundation", "FoundationInternationalization", "_FoundationICU", "stdc++"]

let package = Package(
  name: "p2p",
  products: [
    .executable(name: "p2p-index", targets: ["p2p-index"]),
    .executable(name: "p2p-peer", targets: ["p2p-peer"]),
    .executable(name: "p2p-supervisor", targets: ["p2p-supervisor"]),
    .executable(name: "p2pctl", targets: ["p2pctl"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
    .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-system.git", exact: "1.8.1"),
    .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
    .package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"),
    .package(url: "https://github.com/LebJe/TOMLKit.git", exact: "0.6.0"),
  ],
  targets: [
    // MARK: L0 - system libraries, the C shim, the words of the field

    // The JSON library of control sockets and of the supervisor's channel.
    .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
    // Line editing for the REPL.
    .systemLibrary(name: "CEditLine", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),
    // The database of an index's members, without the Foundation that GRDB needs.
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    // Spawning with descriptors, limits and identity; peer credentials; the few calls Glibc's module lacks.
    .target(name: "CProcess"),
    // SHA-256 of two blocks at a time.
    .target(name: "CBlockHash"),
    // Content, document, key, title, peer: validated values, no I/O.
    .target(name: "DocumentModel"),

    // MARK: L1 - pure parts

    // The strict line reader and writer of the hot planes; jansson values for the others.
    .target(name: "LineJSON", dependencies: ["CJansson"]),
    // Who holds what: a data structure without I/O, clock or JSON.
    .target(name: "DocumentIndex", dependencies: ["DocumentModel"]),
    // The one place for what the system calls demand: Unix addresses, peer credentials, directories, small files, locks,
    // users, the environment, the path of the executable.
    .target(name: "POSIXSupport", dependencies: ["CProcess"]),
    // Number and title out of the text of an RFC.
    .target(name: "DocumentTitles", dependencies: ["DocumentModel"]),
    // The restart machine and the shell that spawns.
    .target(name: "ProcessSupervision", dependencies: ["CProcess", system]),

    // MARK: L2 - messages, storage, identity

    // Typed messages of every plane, and the written protocol.
    .target(name: "WireProtocol", dependencies: ["LineJSON", "DocumentModel"]),
    // Catalogue, hashing, Merkle layers, files in the making. CProcess: renaming without replacing, preallocation.
    .target(
      name: "ContentStore", dependencies: ["CBlockHash", "CProcess", "POSIXSupport", "DocumentModel", crypto, grdb]),
    // The key of a peer or an index, its certificate, and the id that follows from it.
    .target(name: "PeerIdentity", dependencies: ["POSIXSupport", "DocumentModel", crypto]),

    // MARK: L3 - transport

    // Listeners, connections, TLS, limits and drain for lines; knows no message.
    .target(
      name: "LineTransport",
      dependencies: ["DocumentModel", "POSIXSupport", "LineJSON", "PeerIdentity", nioCore, nioPosix, nioTLS, nioSSL]),

    // Who belongs to a closed network: decisions, passes, and the database that keeps them; knows no socket.
    .target(
      name: "NetworkMembership",
      dependencies: ["CSQLite", "POSIXSupport", "DocumentModel", "LineJSON", "WireProtocol", "PeerIdentity", crypto]),

    // What every process of the system needs: places, the supervisor's channel, signals, heartbeat, resource limits.
    .target(
      name: "ProcessSupport",
      dependencies: ["CProcess", "POSIXSupport", "DocumentModel", "LineJSON", "WireProtocol", system]),

    // MARK: L4 - roles

    // The index server.
    .target(
      name: "IndexServer",
      dependencies: [
        "POSIXSupport", "DocumentModel", "DocumentIndex", "LineJSON", "WireProtocol", "NetworkMembership",
        "PeerIdentity", "LineTransport", "ProcessSupport", nioCore, nioPosix, nioConcurrency,
      ]),
    // The peer daemon: shares, serves, fetches. DocumentIndex: `list --mine` matches words as the index does.
    .target(
      name: "PeerDaemon",
      dependencies: [
        "POSIXSupport", "DocumentModel", "DocumentIndex", "DocumentTitles", "LineJSON", "WireProtocol", "ContentStore",
        "PeerIdentity", "NetworkMembership", "LineTransport", "ProcessSupport", nioCore, nioPosix, logging,
      ]),
    // Launches and watches the others, and reads their configuration; links no NIO, no crypto, no database.
    .target(
      name: "SupervisorDaemon",
      dependencies: [
        "CProcess", "POSIXSupport", "DocumentModel", "LineJSON", "ProcessSupport", "WireProtocol", "ProcessSupervision",
        system, tomlKit,
      ]),

    // MARK: L5 - front end

    // The blocking client of control sockets, commands, tables, progress, the REPL.
    .target(
      name: "ConsoleCommands",
      dependencies: [
        "CProcess", "POSIXSupport", "WireProtocol", "DocumentModel", "LineJSON", "ProcessSupport", "ProcessSupervision",
        "CEditLine", argumentParser, system,
      ]),

    // MARK: L6 - executables, one entry point each

    // ArgumentParser: the flags of a start by hand.
    .executableTarget(
      name: "p2p-index",
      dependencies: ["IndexServer", "DocumentModel", "ProcessSupport", "WireProtocol", argumentParser],
      linkerSettings: staticExecutable(argumentParserNeeds)),
    .executableTarget(
      name: "p2p-peer",
      dependencies: ["PeerDaemon", "DocumentModel", "ProcessSupport", "WireProtocol", argumentParser],
      linkerSettings: staticExecutable(foundationNeeds + argumentParserNeeds)),
    .executableTarget(
      name: "p2p-supervisor", dependencies: ["SupervisorDaemon", "DocumentModel", "ProcessSupport", argumentParser],
      linkerSettings: staticExecutable(argumentParserNeeds)),
    .executableTarget(
      name: "p2pctl", dependencies: ["ConsoleCommands"],
      linkerSettings: staticExecutable(argumentParserNeeds + editLineNeeds)),

    // MARK: Tests

    // Sockets, directories and waiting, for tests only.
    .target(
      name: "TestSupport", dependencies: ["CProcess", "POSIXSupport", "DocumentModel", "LineJSON"],
      path: "Tests/TestSupport"),
    // Stands for an index or a peer in tests of the supervisor; how it behaves follows from its name.
    .executableTarget(
      name: "supervised-child", dependencies: ["ProcessSupport", "WireProtocol"], path: "Tests/SupervisedChild"),
    // epoll(7), which the Glibc module lacks.
    .systemLibrary(name: "CEpoll", path: "Tests/Tools/CEpoll"),
    // Measures the real executables beside peer programs: what bin/bench runs.
    .executableTarget(
      name: "LoadGenerator",
      dependencies: [
        "TestSupport", "ConsoleCommands", "CEpoll", "CProcess", "DocumentModel", "LineJSON", "LineTransport",
        "PeerIdentity", "ProcessSupervision", argumentParser, crypto, nioCore, nioPosix,
      ],
      path: "Tests/Tools/LoadGenerator"),
    // Runs the real executables while everything goes wrong: what bin/torture runs.
    .executableTarget(
      name: "Torture",
      dependencies: [
        "TestSupport", "CProcess", "POSIXSupport", "DocumentModel", "LineJSON", "ProcessSupervision", argumentParser,
        crypto,
      ],
      path: "Tests/Tools/Torture"),
    // Holds the module graph and other promises that prose alone would not keep.
    .testTarget(name: "ArchitectureTests"),
    .testTarget(name: "POSIXSupportTests", dependencies: ["POSIXSupport", "TestSupport"]),
    .testTarget(name: "CProcessTests", dependencies: ["CProcess", "TestSupport"]),
    .testTarget(name: "DocumentModelTests", dependencies: ["DocumentModel", "TestSupport"]),
    .testTarget(name: "LineJSONTests", dependencies: ["LineJSON", "TestSupport"], exclude: ["FailCases"]),
    .testTarget(name: "DocumentIndexTests", dependencies: ["DocumentIndex", "DocumentModel", "TestSupport"]),
    .testTarget(name: "DocumentTitlesTests", dependencies: ["DocumentTitles", "DocumentModel"]),
    .testTarget(name: "ProcessSupervisionTests", dependencies: ["ProcessSupervision", "TestSupport", system]),
    .testTarget(name: "WireProtocolTests", dependencies: ["WireProtocol", "DocumentModel", "LineJSON", "TestSupport"]),
    // GRDB: a database as a flipped bit or a newer version leaves it.
    // Crypto: what CBlockHash must agree with.
    .testTarget(
      name: "ContentStoreTests",
      dependencies: ["CBlockHash", "ContentStore", "DocumentModel", "TestSupport", crypto, grdb]),
    // CSQLite: a database as a flipped bit or a newer version leaves it.
    .testTarget(
      name: "NetworkMembershipTests",
      dependencies: [
        "NetworkMembership", "PeerIdentity", "WireProtocol", "DocumentModel", "TestSupport", "CSQLite",
      ]),
    .testTarget(name: "PeerIdentityTests", dependencies: ["PeerIdentity", "DocumentModel", "TestSupport"]),
    .testTarget(
      name: "LineTransportTests",
      dependencies: [
        "DocumentModel", "LineTransport", "LineJSON", "PeerIdentity", "POSIXSupport", "TestSupport", nioCore, nioPosix,
        nioEmbedded,
      ]),
    // p2p-index: what a serving process does at a signal is seen from outside.
    .testTarget(
      name: "ProcessSupportTests",
      dependencies: [
        "ProcessSupport", "POSIXSupport", "DocumentModel", "LineJSON", "LineTransport", "WireProtocol", "CProcess",
        "TestSupport", "p2p-index", nioCore, nioPosix, system,
      ]),
    .testTarget(
      name: "IndexServerTests",
      dependencies: [
        "IndexServer", "TestSupport", "WireProtocol", "DocumentIndex", "DocumentModel", "LineJSON", "LineTransport",
        "NetworkMembership", "PeerIdentity", nioCore, nioPosix, nioEmbedded,
      ], exclude: ["Sessions"]),
    .testTarget(
      name: "PeerDaemonTests",
      dependencies: [
        "PeerDaemon", "IndexServer", "DocumentIndex", "TestSupport", "WireProtocol", "ContentStore", "DocumentModel",
        "LineJSON", "LineTransport", "NetworkMembership", "PeerIdentity", nioCore, nioPosix, logging, grdb,
      ]),
    .testTarget(
      name: "SupervisorDaemonTests",
      dependencies: [
        "SupervisorDaemon", "CProcess", "ProcessSupervision", "POSIXSupport", "WireProtocol", "DocumentModel",
        "LineJSON", "ProcessSupport", "TestSupport", "p2p-supervisor", "supervised-child", system,
      ]),
    .testTarget(
      name: "ConsoleCommandsTests",
      dependencies: [
        "ConsoleCommands", "WireProtocol", "DocumentModel", "LineJSON", "ProcessSupport", "TestSupport",
      ]),
    .testTarget(
      name: "TortureTests", dependencies: ["Torture", "TestSupport", "DocumentModel"],
      path: "Tests/Tools/TortureTests"),
    // The real executables, several users, kill -9. ContentStore: the hashes of peers that lie.
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "TestSupport", "ContentStore", "DocumentModel", "LineJSON", "LineTransport", "NetworkMembership",
        "PeerIdentity", "WireProtocol", nioCore, nioPosix,
      ]),
  ]
)

// MARK: One dialect for every Swift target

// Not NonisolatedNonsendingByDefault: an optimised build of Swift 6.3.1 leaves out the way back to the actor of the caller
// where the last thing that such a function awaits ran elsewhere; the caller's state is then touched from that thread.
let languageSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InferIsolatedConformances"),
]
for target in package.targets where target.type != .system && target.name != "CProcess" {
  target.swiftSettings = (target.swiftSettings ?? []) + languageSettings
}
