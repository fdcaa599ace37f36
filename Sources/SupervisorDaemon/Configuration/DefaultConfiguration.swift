// SPDX-License-Identifier: Apache-2.0

/// The configuration that `p2p-supervisor run --print-default-config` prints and `etc/p2p.toml` holds: every setting, with
/// what holds where it is not set.
package enum DefaultConfiguration {
  package static let text = #"""
    # The configuration of p2p-supervisor, which reads it at its start and on SIGHUP (p2pctl supervisor reload).
    # Every setting stands here with its default. A setting of [supervisor], [index] and [peer] may come from the environment
    # instead (P2P_INDEX_LISTEN is listen of [index]): the environment wins over this file, and the flags of
    # `p2p-supervisor run` win over both. "At once" is what a reload changes; all else waits for the next start.
    # An address is "HOST:PORT": HOST in figures, or localhost; ":PORT" means all addresses, port 0 any free port.

    [supervisor]
    # After how many seconds of silence a child is killed and started again: 60 to 86400, or 0 for never. At once.
    #kill_unresponsive_after = 0

    [index]
    # Whether an index is served on this machine. The default is true, or false where address is set.
    #serve = true
    # Where it listens.
    #listen = "127.0.0.1:7734"
    # The index that the peers of this machine use: the served one, unless another is named here. At once.
    #address = "index.example.org:7734"
    # Ranges of addresses that peers may advertise though they do not come from them. None by default, or anybody could send
    # strangers to third parties; 1000 at most. At once, for peers that connect from then on.
    #allow_advertise = ["10.0.0.0/8", "2001:db8::/32"]
    # As whom the served index runs, a login name or "uid:gid": only for a supervisor that root runs for the whole machine. By
    # default the user p2p where there is one, else nobody.
    #user = "p2p"

    [peer]
    # Where peers serve their files to others, unless they say so themselves. By default any free port, kept over restarts:
    # on loopback where their index listens on loopback only, else on all addresses.
    #listen = ":0"
    # Under which address others reach the peers of this machine, where that is not the one they come from (behind a router
    # that forwards a port). The index has to allow it. At once.
    #advertise = "192.0.2.7"

    # A table for each peer; peers that come and go do so at once. Without any, there is one peer, named after the user who
    # starts the supervisor, with sudo after the user who called that; as a service of the whole machine none.
    #[peers.alice]
    #listen = "127.0.0.1:40001"
    # At once.
    #advertise = "192.0.2.7"
    # As whom the peer runs, a login name or "uid:gid": only for a supervisor that root runs for the whole machine, where the
    # default is the user of the peer's name.
    #user = "alice"

    """#
}
