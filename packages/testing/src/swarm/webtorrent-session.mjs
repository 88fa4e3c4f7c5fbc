/**
 * One webtorrent client with one torrent, told what to do by lines of JSON on standard input, as libtorrent_peer.py is: the first
 * line is the settings, every later one is {id, op, ...} and is answered by {id, ...}. The end of standard input ends the program.
 */
import { createInterface } from 'node:readline';
import WebTorrent from 'webtorrent';

const lines = createInterface({ input: process.stdin });
const messages = lines[Symbol.asyncIterator]();
const settings = JSON.parse((await messages.next()).value);
const client = new WebTorrent({
  utp: false,
  dht: false,
  lsd: false,
  natUpnp: false,
  natPmp: false,
  utPex: false,
  webSeeds: false,
  // Trackers of the torrent by HTTP and UDP; no WebRTC, which loopback alone cannot carry.
  tracker: { wrtc: false },
  uploadLimit: settings.uploadBytesPerSecond ?? -1,
});
client.on('error', (error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
const torrent = client.add(Buffer.from(settings.metainfo, 'base64'), { path: settings.dir, strategy: 'sequential' });
torrent.on('infoHash', () => {
  for (const [address, port] of settings.peers) torrent.addPeer(`${address}:${port}`);
});

const answers = {
  status: () => ({
    port: client.torrentPort ?? 0,
    progress: torrent.progress,
    uploadedBytes: torrent.uploaded,
    downloadedBytes: torrent.downloaded,
    peers: torrent.numPeers,
    isReady: torrent.ready,
  }),
  connect: ({ address, port }) => {
    torrent.addPeer(`${address}:${port}`);
    return {};
  },
};
for await (const line of messages) {
  const { id, op, ...details } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify({ id, ...answers[op](details) })}\n`);
}
process.exit(0);
