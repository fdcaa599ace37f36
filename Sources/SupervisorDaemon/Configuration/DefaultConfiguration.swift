// SPDX-License-Identifier: Apache-2.0

/// The text printed by `p2p-supervisor run --print-default-config` and stored in `etc/p2p.toml`: every setting with its
/// default.
package enum DefaultConfiguration {
  package static let text = #"""
    # Configuration of p2p-supervisor. It is read at start and on SIGHUP (p2pctl supervisor reload). All settings are
    # listed with their defaults. Settings of [supervisor], [log], [index], [network] and [peer] can also be set in the
    # environment (P2P_INDEX_LISTEN is listen of [index]), which overrides this file; the flags of `p2p-supervisor run`
    # override both. A reload applies the settings marked "reloadable"; the others apply at the next start.
    # Addresses are "HOST:PORT", with a numeric HOST or localhost; ":PORT" means all addresses, port 0 any free port.

    [supervisor]
    # Kill and restart a process after this many seconds of silence: 60 to 86400, or 0 for never. Ten times as long before
    # it is ready. While the machine lacks processor time, memory or disk (/proc/pressure), no process is killed.
    # Reloadable.
    #kill_unresponsive_after = 60

    [log]
    # "files": one file for each process, rotated. "journal": the lines of all processes on standard error of the
    # supervisor, each with the name of its process. Default: journal under systemd and in a container, else files.
    #to = "files"
    # The least severe messages to log: debug, info, notice, warning, error or critical.
    #level = "info"
    # text, or json for one object per line.
    #format = "text"

    [index]
    # Whether to serve an index on this machine. Default: true, or false if address is set.
    #serve = true
    # Where the index listens.
    #listen = "127.0.0.1:7734"
    # The index that the peers of this machine use. Default: the served one. Reloadable.
    #address = "index.example.org:7734"
    # Address ranges that peers may advertise without connecting from them, at most 1000. Default: none, because others
    # could be sent to third parties. Reloadable, for peers that connect afterwards.
    #allow_advertise = ["10.0.0.0/8", "2001:db8::/32"]
    # How much memory the index may use for what its clients add and ask, in MiB, at least 16. Default: half of that of the
    # machine or of the control group. Reloadable.
    #memory = 2048
    # The same for one address, in MiB. Default: a quarter of memory. Addresses of this machine have no such limits, an
    # IPv6 address counts as its /64, a /48 as four of these. Reloadable.
    #memory_per_address = 512
    # How many records one address may have, and how many requests in a second. Default: no limit. Reloadable.
    #records_per_address = 1000000
    #requests_per_address = 1000
    # The user that runs the served index, a login name or "uid:gid"; only if root runs the supervisor for the whole
    # machine. Default: the user p2p if it exists, else nobody, which is possible on loopback only.
    #user = "p2p"

    [network]
    # Whether the served index admits every peer (true), or members only (false), who join with a ticket from
    # `p2pctl network invite`. Default: true if it listens on loopback only, else false.
    #open = true
    # Which connections index and peers take without TLS: "loopback" (those of their own machine), "always" or "never".
    # An index that listens on loopback only is used without TLS, every other one with it.
    # A closed network does not allow "always". On such connections its index answers only hello and ping, its peers nothing.
    #plain = "loopback"
    # In a closed network, how many seconds peers go on serving members whose passes have ended, while the index that
    # renews them cannot be reached: 0 to 86400.
    #grace = 3600

    [network.limits]
    # What one member of a closed network may have: sessions (at least 2, because a peer may come back before its old session
    # is dropped), requests in a second, records, and bytes of replies in a second. Default: no limit. Reloadable.
    #sessions_per_member = 8
    #requests_per_member = 1000
    #records_per_member = 1000000
    #bytes_per_member = 10000000
    # What one address may have besides the limits in [index]: connections, by default 256, and bytes of replies in a second
    # (default: no limit, reloadable).
    #connections_per_address = 256
    #bytes_per_address = 10000000

    [peer]
    # Where peers serve their files to others, unless set for the peer itself. Default: any free port, kept across
    # restarts; on loopback if the peers' index listens on loopback only, else on all addresses.
    #listen = ":0"
    # The address under which others reach the peers of this machine, if not the one from which they connect (behind a
    # router that forwards a port). The index has to allow it. Reloadable.
    #advertise = "192.0.2.7"

    # One table for each peer; adding and removing peers is reloadable. Without any there is one peer, named after the
    # user who starts the supervisor, or who called sudo; a service for the whole machine has no default peer.
    #[peers.alice]
    #listen = "127.0.0.1:40001"
    # Reloadable.
    #advertise = "192.0.2.7"
    # The user that runs the peer, a login name or "uid:gid"; only if root runs the supervisor for the whole machine.
    # Default: the user of the peer's name.
    #user = "alice"

    """#
}
