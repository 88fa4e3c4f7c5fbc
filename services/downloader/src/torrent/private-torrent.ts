import type { SwarmTorrent } from 'webtorrent';

/**
 * A magnet does not say that its torrent is private (BEP 27): the DHT and our own trackers have been asked once. From now on
 * only the torrent's trackers are, and who was found otherwise goes.
 */
export function makePrivate(torrent: SwarmTorrent, trackers: readonly string[]): void {
  const { discovery } = torrent;
  if (discovery) {
    discovery._dhtAnnouncing = true;
    discovery.dht?.removeAllListeners('peer');
    const own = new Set(trackers.map((each) => each.replace(/\/$/, '')));
    for (const tracker of discovery.tracker?._trackers.filter((each) => !own.has(each.announceUrl)) ?? [])
      tracker.destroy(() => {});
    if (discovery.tracker) discovery.tracker._trackers = discovery.tracker._trackers.filter((each) => own.has(each.announceUrl));
  }
  for (const wire of torrent.wires) wire.ut_pex?.removeAllListeners('peer');
  for (const peer of [...torrent._peers.values()]) if (peer.source === 'dht' || peer.source === 'ut_pex') peer.destroy();
}
