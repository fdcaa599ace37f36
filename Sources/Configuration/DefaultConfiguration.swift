/// The configuration that `p2p-supervisor run --print-default-config` prints and `etc/p2p.toml` holds: every setting, with
/// what holds where it is not set.
package enum DefaultConfiguration {
  package static let text = #"""
    # The configuration of p2p-supervisor, which reads it at its start and on SIGHUP (p2pctl supervisor reload).
    # Every setting stands here with its default. Flags of `p2p-supervisor run` that name processes win over this file.
    # An address is "HOST:PORT": HOST in figures, or localhost; ":PORT" means all addresses, port 0 any free port.

    [supervisor]
    # After how many seconds of silence a child is killed and started again: 60 to 86400, or 0 for never.
    #kill_unresponsive_after = 0

    [index]
    # Whether an index is served on this machine. The default is true, or false where address is set.
    #serve = true
    # Where it listens.
    #listen = "127.0.0.1:7734"
    # The index that the peers of this machine use: the served one, unless another is named here.
    #address = "index.example.org:7734"

    [peer]
    # Where peers serve their files to others, unless they say so themselves. By default any free port, kept over restarts:
    # on loopback where their index listens on loopback only, else on all addresses.
    #listen = ":0"

    # A table for each peer. Without any, there is one peer, named after the user who starts the supervisor.
    #[peers.alice]
    #listen = "127.0.0.1:40001"
    # As whom the peer runs, a login name or "uid:gid": only for a supervisor that root runs for the whole machine, where the
    # default is the user of the peer's name.
    #user = "alice"

    """#
}
