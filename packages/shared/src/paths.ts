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
  multivariantPlaylist: (infoHash: string, fileIndex: number) =>
    `${API}/torrents/${infoHash}/files/${fileIndex}/hls/index.m3u8`,
} as const;
