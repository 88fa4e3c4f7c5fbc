/** The surface of bittorrent-tracker's server that we use; the package brings no types. */
declare module 'bittorrent-tracker/server' {
  import type { Socket } from 'node:dgram';
  import type { EventEmitter } from 'node:events';
  import type { Server as HttpServer } from 'node:http';

  class Server extends EventEmitter {
    constructor(options: { http: boolean; udp: boolean; ws: boolean; stats: boolean; interval: number });
    /** Only of the protocols that were asked for. */
    readonly http: HttpServer;
    readonly udp: Socket;
    readonly torrents: Record<string, { complete: number; incomplete: number } | undefined>;
    listen(port: number, hosts: { http: string; udp: string; udp6: string }): void;
    close(callback: () => void): void;
  }
  export default Server;
}
