// HEALTHCHECK of the images: whoever answers is alive. A worker answers strangers with 404, which says as much as 200.
import http from 'node:http';

const isWorker = process.env.LODESTREAM_WORKER_PORT !== undefined;
const port = isWorker ? process.env.LODESTREAM_WORKER_PORT : (process.env.LODESTREAM_PORT ?? '8080');
const host = (isWorker && process.env.LODESTREAM_WORKER_HOST) || '127.0.0.1';
const request = http.get({ host: host === '0.0.0.0' ? '127.0.0.1' : host, port, path: '/livez', timeout: 4000 }, (response) => {
  process.exit(response.statusCode < 500 ? 0 : 1);
});
request.on('timeout', () => request.destroy());
request.on('error', () => process.exit(1));
