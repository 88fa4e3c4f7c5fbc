/** A file, by its path from `services/downloader/test/hostile`, and a piece of a title in it. */
export type NamedTest = readonly [file: string, title: string];
export type HunkTest = { patch: string; file: string; marker: RegExp; test: NamedTest };

const PEERS = 'peers.test.ts';
const TRACKERS = 'trackers.test.ts';
const DHT: NamedTest = ['dht.test.ts', 'no packet to the port of the DHT'];
const HANDSHAKE: NamedTest = [PEERS, 'known of the torrent.*no extended handshake'];
const METADATA: NamedTest = [PEERS, 'known of the torrent.*no metadata exchange'];
const PEX: NamedTest = [PEERS, 'known of the torrent.*no peer exchange'];
const PIECES: NamedTest = [PEERS, 'a film is read.*no pieces'];
const FLOODS: NamedTest = [PEERS, 'a film is read.*no lengths and floods'];
const HTTP: NamedTest = [TRACKERS, 'no HTTP tracker ends'];
const UDP: NamedTest = [TRACKERS, 'of the peers of a UDP tracker'];
const INCOMING: NamedTest = ['incoming.test.ts', 'of many that connect thirty stay'];
const listOf = (form: string): NamedTest => [TRACKERS, `of a ${form} peers the first 200`];
const transport = (title: string): NamedTest => ['../peer-transports.test.ts', title];
const SEEDING: NamedTest = ['../seeding.test.ts', 'four peers are uploaded to'];
const limit = (title: string): NamedTest => ['limits.test.ts', title];

type Row = readonly [file: string, marker: RegExp, test: NamedTest];

/** What is in each hunk and in no other of its file → a test that dies without it. Every hunk has one (patches.test.ts). */
const ROWS: Record<string, readonly Row[]> = {
  'bencode@2.0.3': [['lib/decode.js', /bad string length/, DHT]],
  'bencode@4.0.1': [['lib/decode.js', /bad string length/, HANDSHAKE]],
  'bittorrent-protocol@5.0.9': [
    ['index.js', /const MAX_MESSAGE_LENGTH/, FLOODS],
    ['index.js', />>> 0/, limit('a peer that announces a message of four gigabytes')],
    ['index.js', /buffered > MAX_UNREAD_BYTES/, limit('a peer that asks for much and reads nothing')],
    ['index.js', /index >= BITFIELD_GROW/, PIECES],
    ['index.js', /MAX_PEER_REQUESTS\)/, limit('a peer that has a thousand requests open')],
    ['index.js', /destroying the wire/, METADATA],
    ['mse.js', /static shared/, transport('encrypted connections cost little')],
    ['index.js', /length > MAX_MESSAGE_LENGTH/, FLOODS],
  ],
  'bittorrent-tracker@11.2.3': [
    ['lib/client/http-tracker.js', /arr2hex, concat/, listOf('short list of IPv4')],
    ['lib/client/http-tracker.js', /const MAX_BODY_LENGTH/, listOf('short list of IPv4')],
    ['lib/client/http-tracker.js', /this\._requestUnsafe\(requestUrl/, HTTP],
    ['lib/client/http-tracker.js', /data = await readBody\(res\)/, HTTP],
    ['lib/client/http-tracker.js', /data\.peers\.slice/, listOf('short list of IPv4')],
    ['lib/client/http-tracker.js', /data\.peers6\.slice/, listOf('long list of IPv6')],
    ['lib/client/tracker.js', /const MIN_ANNOUNCE_INTERVAL/, HTTP],
    ['lib/client/tracker.js', /Math\.min\(Math\.max/, HTTP],
    ['lib/client/udp-tracker.js', /const MAX_PEERS/, UDP],
    ['lib/client/udp-tracker.js', /addrs\.slice/, UDP],
    ['lib/client/websocket-tracker.js', /_onSocketDataUnsafe/, [TRACKERS, 'no message of a WebSocket tracker']],
  ],
  'k-rpc-socket@1.11.1': [['index.js', /handleMessage\(buf, rinfo\)/, DHT]],
  'ut_metadata@5.0.1': [
    ['index.js', /MAX_METADATA_SIZE/, ['metadata.test.ts', 'metadata of 8388609 bytes']],
    ['index.js', /this\.emit\('metadata', this\.metadata\)/, ['metadata.test.ts', 'info dictionary is not bencode']],
  ],
  'ut_pex@5.0.2': [
    ['index.js', /const PEX_MAX_ACCEPTED/, limit('of the peers that a peer names')],
    ['index.js', /function firstPeers/, limit('of the peers that a peer names')],
    ['index.js', /message\.added,/, limit('of the peers that a peer names')],
    ['index.js', /message\.added6,/, PEX],
    ['index.js', /message\.dropped,/, PEX],
    ['index.js', /message\.dropped6,/, PEX],
  ],
  'webtorrent@3.0.21': [
    ['lib/conn-pool.js', /const MAX_INCOMING/, INCOMING],
    ['lib/conn-pool.js', /^this\._incomingCount = 0$/, INCOMING],
    ['lib/conn-pool.js', /_incomingCount >= MAX_INCOMING/, INCOMING],
    ['lib/conn-pool.js', /_getByHash/, ['incoming.test.ts', 'takes no place, encrypted']],
    ['lib/conn-pool.js', /client\?\.get\(infoHash\)/, ['incoming.test.ts', 'takes no place, plain']],
    ['lib/peer.js', /const HANDSHAKE_TIMEOUT/, limit('a peer that says nothing')],
    ['lib/peer.js', /once\('unchoke'/, limit('a peer that hangs up after its handshake')],
    ['lib/rarity-map.js', /strategy !== 'rarest'/, limit('bitfields of a torrent of many pieces')],
    ['lib/torrent.js', /const MAX_QUEUED/, limit('of the peers that wait to be dialled')],
    ['lib/torrent.js', /_queue\.length >= MAX_QUEUED/, limit('of the peers that wait to be dialled')],
    ['lib/torrent.js', /_rechokeNumSlots/, limit('of many that are interested')],
    ['lib/torrent.js', /this piece is not here/, limit('a request of a piece that is not here')],
    ['lib/torrent.js', /this\.client\.firstDial/, transport('a seeder that requires RC4 is')],
    ['lib/torrent.js', /_addPeer \(peer, dial, source\)/, transport('speaks plain only')],
    ['lib/torrent.js', /taken for one it would stay choked/, ['../seeding.test.ts', 'never said what it has']],
    ['lib/torrent.js', /Unchoked in advance/, SEEDING],
    ['lib/torrent.js', /blocked\?\.contains\(opts\.host\)/, ['liars.test.ts', 'a peer that corrupts']],
    ['lib/torrent.js', /let wasReached/, transport('a seeder that requires RC4 is')],
    ['lib/torrent.js', /const onEnd = once/, transport('a seeder that requires RC4 is')],
  ],
  'webrtc-polyfill@1.2.2': [
    ['lib/RTCPeerConnection.js', /iceGatheringState === 'complete'/, ['../webrtc.test.ts', 'in a real browser alone']],
  ],
};

export const HUNK_TESTS: readonly HunkTest[] = Object.entries(ROWS).flatMap(([patch, rows]) =>
  rows.map(([file, marker, test]) => ({ patch, file, marker, test })),
);
