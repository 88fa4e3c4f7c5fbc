import { frame } from './websocket-server.ts';

/** What a WebSocket tracker, or a peer behind it, may say (webtorrent.md §8.3). All end as a warning. */
export function websocketMessages(infoHash: string): Record<string, Buffer[]> {
  const binary = Buffer.from(infoHash, 'hex').toString('latin1');
  const say = (fields: object) => frame(JSON.stringify({ action: 'announce', info_hash: binary, ...fields }));
  const offer = (sdp: unknown) => ({ offer: { type: 'offer', sdp }, offer_id: 'o'.repeat(20), peer_id: 'p'.repeat(20) });
  return {
    null: [frame('null')],
    'no JSON': [frame('{"action":')],
    'a number': [frame('7')],
    'a list': [frame('[]')],
    'bytes that are no text': [frame(Buffer.from([0xff, 0xfe, 0, 0xc0]), 2)],
    'an action that nobody knows': [frame('{"action":"destroy"}')],
    'an info hash that is an object': [frame('{"action":"announce","info_hash":{}}')],
    'an interval of text': [say({ interval: 'soon' })],
    'an interval of -1': [say({ interval: -1 })],
    'a failure that is an object': [say({ 'failure reason': { toString: 1 } })],
    'an offer that is a number': [say({ offer: 7, offer_id: 'o', peer_id: 'p' })],
    'an offer that is no SDP': [say(offer('hello'))],
    'an offer without an SDP': [say(offer(null))],
    'an offer of half an SDP': [say(offer('v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=application 9'))],
    'an offer whose peer is an object': [say({ ...offer('v=0'), peer_id: {} })],
    'an answer to nothing': [say({ answer: { type: 'answer', sdp: 'x' }, offer_id: 'x', peer_id: 'p' })],
    'an answer of an offer that is an object': [say({ answer: 1, offer_id: {}, peer_id: 'p' })],
    'a scrape of nothing': [frame('{"action":"scrape"}')],
    'a scrape of a text': [frame('{"action":"scrape","files":"abc"}')],
    'a scrape whose flags are null': [frame('{"action":"scrape","files":{"a":null}}')],
    'nested 100,000 deep': [frame('['.repeat(100_000))],
    'a frame that is none': [Buffer.from([0xff, 0xff, 0xff, 0xff])],
    'a frame of 2^62 bytes': [Buffer.concat([Buffer.from([0x81, 127]), Buffer.from('4000000000000000', 'hex')])],
    '10,000 messages': Array<Buffer>(10_000).fill(frame('{}')),
  };
}
