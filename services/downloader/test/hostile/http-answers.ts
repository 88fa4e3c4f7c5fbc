import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** What an HTTP tracker may answer (webtorrent.md §8.3). All end as a warning. */
export const HTTP_ANSWERS: Record<string, (response: ServerResponse) => void> = {
  'a body that breaks off': (response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('d8:interval', () => response.destroy());
  },
  'a connection that is reset': (response) => void response.socket?.resetAndDestroy(),
  'nothing after the headers': (response) => response.writeHead(200, { 'content-length': 10 }).flushHeaders(),
  'nothing at all': () => {},
  'a negative length': (response) => response.end('l-3:e'),
  'a dictionary with a negative length': (response) => response.end('d-3:e'),
  'nested 200,000 deep': (response) => response.end('l'.repeat(200_000)),
  'a failure reason that is a number': (response) => response.end('d14:failure reasoni7ee'),
  'a failure reason that is a dictionary': (response) => response.end('d14:failure reasond6:lengthi2000000000eee'),
  'a warning that is a list': (response) => response.end('d15:warning messagelei7e8:intervali60ee'),
  'an info hash that is a number': (response) => response.end('d9:info_hashi7e8:intervali60e5:peers0:e'),
  'a list instead of a dictionary': (response) => response.end('le'),
  'a number instead of a dictionary': (response) => response.end('i1e'),
  'text instead of a dictionary': (response) => response.end('5:hello'),
  'peers of 7 bytes': (response) => response.end('d8:intervali60e5:peers7:1234567e'),
  'peers that are numbers': (response) => response.end('d8:intervali60e5:peersli1ei2eee'),
  'peers that say how many they are': (response) => response.end('d8:intervali60e5:peersd6:lengthi2000000000eee'),
  'IPv6 peers of 7 bytes': (response) => response.end('d8:intervali60e6:peers67:1234567e'),
  'a page of 404': (response) => response.writeHead(404).end('<html>'),
  'a redirect to itself': (response) => response.writeHead(302, { location: '/announce' }).end(),
  'a redirect to nowhere': (response) => response.writeHead(302, { location: 'http://[::bad' }).end(),
  'a bomb of gzip': (response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(BOMB);
  },
  'an endless body': (response) => {
    const chunk = Buffer.alloc(256 * 1024, 0x61);
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  },
};

/** These are asked again as soon as they say, if they are believed. */
export const HTTP_INTERVALS: Record<string, string> = {
  'an interval of -1': 'd8:intervali-1e5:peers0:e',
  'an interval of 1': 'd8:intervali1e5:peers0:e',
  'an interval of text': 'd8:interval1:x5:peers0:e',
  'a least interval of -1': 'd12:min intervali-1e5:peers0:e',
  'an interval beyond every timer': 'd8:intervali99999999999e5:peers0:e',
};

const BOMB = gzipSync(Buffer.alloc(128 << 20, 0x61));
