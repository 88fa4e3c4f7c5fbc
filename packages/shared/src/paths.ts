/** URL builders of the public API: the web app and the services share them, so that no path is written twice. */
const API = '/api/v1';

export const apiPaths = {
  torrents: () => `${API}/torrents`,
  torrent: (infoHash: string) => `${API}/torrents/${infoHash}`,
  events: (infoHash: string, fileIndex?: number) =>
    `${API}/torrents/${infoHash}/events${fileIndex === undefined ? '' : `?file=${fileIndex}`}`,
  content: (infoHash: string, fileIndex: number, download = false) =>
    `${API}/torrents/${infoHash}/files/${fileIndex}/content${download ? '?download=1' : ''}`,
  media: (infoHash: string, fileIndex: number) => `${API}/torrents/${infoHash}/files/${fileIndex}/media`,
  /** `startSeconds`: where the player will begin, so that what it asks for next is begun at once. */
  multivariantPlaylist: (infoHash: string, fileIndex: number, startSeconds?: number) =>
    `${API}/torrents/${infoHash}/files/${fileIndex}/hls/index.m3u8${startSeconds === undefined ? '' : `?start=${startSeconds.toFixed(3)}`}`,
} as const;
