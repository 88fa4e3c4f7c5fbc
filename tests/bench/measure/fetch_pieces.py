"""The floor of what a torrent can give: one libtorrent session that fetches a magnet's metadata and exactly the pieces it is told.

Lines of JSON on standard input: first the settings, then {"pieces": [...]}. Each is answered with {"ms": ...}, measured from
the moment that the line was read.
"""
import json
import sys
import time

import libtorrent as lt

POLL_SECONDS = 0.001
settings = json.loads(sys.stdin.readline())
started = time.monotonic()


def answer(since):
    print(json.dumps({'ms': (time.monotonic() - since) * 1000}), flush=True)


session = lt.session({
    'listen_interfaces': '%s:0' % settings['address'],
    'outgoing_interfaces': settings['address'],
    'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False,
    'enable_incoming_utp': False, 'enable_outgoing_utp': False,
    # Between two fetches it has all that it wants, and would leave its seeder.
    'close_redundant_connections': False,
    # Its own pauses are no floor: what it does at its next tick it does at once.
    'tick_interval': 10,
    'alert_mask': 0,
})
params = lt.parse_magnet_uri(settings['magnet'])
params.save_path = settings['dir']
params.flags |= lt.torrent_flags.sequential_download
params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
handle = session.add_torrent(params)
for address, port in settings['peers']:
    handle.connect_peer((address, port))
while not handle.status().has_metadata:
    time.sleep(POLL_SECONDS)
answer(started)

for line in sys.stdin:
    since = time.monotonic()
    wanted = json.loads(line)['pieces']
    count = handle.torrent_file().num_pieces()
    # A torrent that begins with nothing wanted (default_dont_download) takes a second to want something.
    handle.prioritize_pieces([7 if piece in wanted else 0 for piece in range(count)])
    for piece in wanted:
        handle.set_piece_deadline(piece, 0)
    while not all(handle.have_piece(piece) for piece in wanted):
        time.sleep(POLL_SECONDS)
    answer(since)
