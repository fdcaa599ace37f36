// SPDX-License-Identifier: Apache-2.0

extension Libtorrent {
  /// `make FILE TORRENT`, or `peer TORRENT DIRECTORY ADDRESS START OTHERS…`: adds the torrent when the file START exists,
  /// prints a line of JSON when it has all pieces, and goes on to seed. Over TCP only: uTP is a tenth as fast on loopback.
  static let text = """
    import json, os, sys, time
    import libtorrent as lt

    def make(source, torrent):
        files = lt.file_storage()
        lt.add_files(files, source)
        made = lt.create_torrent(files, piece_size=262144, flags=lt.create_torrent.v2_only)
        lt.set_piece_hashes(made, os.path.dirname(source))
        with open(torrent, 'wb') as output:
            output.write(lt.bencode(made.generate()))

    def peer(torrent, directory, address, start, *others):
        session = lt.session({
            'listen_interfaces': address, 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
            'enable_natpmp': False, 'allow_multiple_connections_per_ip': True, 'min_reconnect_time': 1,
            'enable_outgoing_utp': False, 'enable_incoming_utp': False})
        info = lt.torrent_info(torrent)
        print('ready', flush=True)
        while not os.path.exists(start):
            time.sleep(0.002)
        begin, used = time.monotonic(), sum(os.times()[:2])
        added = session.add_torrent({'ti': info, 'save_path': directory})
        for other in others:
            host, port = other.rsplit(':', 1)
            added.connect_peer((host, int(port)))
        while not added.status().is_seeding:
            time.sleep(0.005)
        print(json.dumps({
            'seconds': time.monotonic() - begin, 'cpu': sum(os.times()[:2]) - used}), flush=True)
        while True:
            time.sleep(60)

    {'make': make, 'peer': peer}[sys.argv[1]](*sys.argv[2:])
    """
}
