"""One libtorrent session with one torrent, told what to do by lines of JSON on standard input.

The first line is the settings; every later one is {"id", "op", ...} and is answered by {"id", ...} on standard output.
The end of standard input ends the program.
"""
import json
import queue
import sys
import threading

import libtorrent as lt

settings = json.loads(sys.stdin.readline())
categories = lt.alert.category_t
is_utp = settings.get('transport') == 'utp'
session = lt.session({
    # Nothing may leave the loopback address that we were given.
    'listen_interfaces': ('[%s]:%d' if ':' in settings['address'] else '%s:%d') % (settings['address'], settings.get('port', 0)),
    'outgoing_interfaces': settings['address'],
    'enable_dht': 'dhtBootstrap' in settings, 'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False,
    # uTP over loopback only hides what TCP shows; where it is asked for, there is nothing else.
    'enable_incoming_utp': is_utp, 'enable_outgoing_utp': is_utp,
    'enable_incoming_tcp': not is_utp, 'enable_outgoing_tcp': not is_utp,
    # Nodes of a DHT on loopback are alike by address, and none of them is of the internet.
    'dht_bootstrap_nodes': ','.join(settings.get('dhtBootstrap', [])),
    'dht_restrict_routing_ips': False, 'dht_restrict_search_ips': False, 'dht_enforce_node_id': False,
    'dht_prefer_verified_node_ids': False, 'dht_ignore_dark_internet': False,
    'allow_multiple_connections_per_ip': True,
    'unchoke_slots_limit': 100,
    'connection_speed': 100, 'min_reconnect_time': 1,
    # A peer that has all that it wants for now stays: it will want more.
    'close_redundant_connections': False,
    'alert_mask': categories.error_notification | categories.status_notification | categories.upload_notification
                  | categories.piece_progress_notification | categories.dht_notification,
    'alert_queue_size': 200000,
    # Else a seeder hashes a piece when it is first asked for it, and keeps a damaged one to itself.
    'disable_hash_checks': bool(settings.get('trustData')),
    **{
        'plaintext': {'in_enc_policy': 2, 'out_enc_policy': 2},
        'rc4': {'in_enc_policy': 0, 'out_enc_policy': 0, 'allowed_enc_level': 2, 'prefer_rc4': True},
        'both': {},
    }[settings.get('encryption', 'both')],
})

params = lt.parse_magnet_uri(settings['magnet']) if 'magnet' in settings else lt.add_torrent_params()
if 'torrentPath' in settings:
    params.ti = lt.torrent_info(settings['torrentPath'])
params.save_path = settings['dir']
flags = lt.torrent_flags
params.flags &= ~(flags.auto_managed | flags.paused)
params.flags |= flags.disable_lsd
if 'dhtBootstrap' not in settings:
    params.flags |= flags.disable_dht
if not settings.get('hasPex'):
    params.flags |= flags.disable_pex
if settings.get('trustData'):
    params.flags |= flags.seed_mode
if settings.get('uploadOnly'):
    # It checks what it has, offers that, and asks nobody for the rest.
    params.flags |= flags.upload_mode
handle = session.add_torrent(params)
if settings.get('uploadBytesPerSecond') is not None:
    # By torrent: the limits of the session leave peers of the local network alone.
    handle.set_upload_limit(settings['uploadBytesPerSecond'])
for address, port in settings.get('peers', []):
    handle.connect_peer((address, port))

uploaded_blocks = {}
announced = False
dht_announces = set()


def read_alerts():
    global announced
    for alert in session.pop_alerts():
        if isinstance(alert, lt.block_uploaded_alert):
            piece = uploaded_blocks.setdefault(alert.piece_index, set())
            piece.add(alert.block_index)
        elif isinstance(alert, lt.dht_announce_alert):
            dht_announces.add(str(alert.info_hash))
        elif isinstance(alert, lt.tracker_reply_alert):
            announced = True


def answer(message):
    op = message['op']
    if op == 'status':
        status = handle.status()
        return {
            'state': str(status.state), 'progress': status.progress, 'port': session.listen_port(),
            'uploadedBytes': status.total_payload_upload, 'downloadedBytes': status.total_payload_download,
            'peers': status.num_peers, 'isSeeding': status.is_seeding, 'hasAnnounced': announced,
            'hasMetadata': status.has_metadata,  'dhtAnnounces': sorted(dht_announces), 'pieces': [i for i, have in enumerate(status.pieces) if have],
            'error': status.errc.message() if status.errc.value() != 0 else None,
        }
    if op == 'uploadedPieces':
        return {'pieces': sorted(uploaded_blocks)}
    if op == 'takeUploadedPieces':
        taken = sorted(uploaded_blocks)
        uploaded_blocks.clear()
        return {'pieces': taken}
    if op == 'setUploadLimit':
        handle.set_upload_limit(message['bytesPerSecond'])
        return {}
    if op == 'setUploadSlots':
        handle.set_max_uploads(message['count'])
        return {}
    if op == 'announceToDht':
        handle.force_dht_announce()
        return {}
    if op == 'peerInfo':
        return {'peers': [
            {'address': '%s:%d' % peer.ip, 'client': str(peer.client), 'isEncrypted': bool(peer.flags & peer.rc4_encrypted),
             'isUtp': peer.connection_type == peer.standard_bittorrent and bool(peer.flags & (1 << 17)),
             'isChoked': bool(peer.flags & peer.remote_choked)} for peer in handle.get_peer_info()]}
    if op == 'connect':
        handle.connect_peer((message['address'], message['port']))
        return {}
    if op == 'pause':
        handle.pause()
        return {}
    if op == 'resume':
        handle.resume()
        return {}
    raise ValueError('no such op: ' + op)


# A thread reads, because a line that waits in Python's buffer is invisible to select.
lines = queue.Queue()


def read_lines():
    for line in sys.stdin:
        lines.put(line)
    lines.put(None)


threading.Thread(target=read_lines, daemon=True).start()
while True:
    try:
        line = lines.get(timeout=0.1)
    except queue.Empty:
        read_alerts()
        continue
    if line is None:
        break
    read_alerts()
    message = json.loads(line)
    print(json.dumps({'id': message['id'], **answer(message)}), flush=True)
