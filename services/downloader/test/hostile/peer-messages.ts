import { extended, ID, message, uint32 } from '../raw-peer.ts';

/** What a peer says after both handshakes. One case per way to end, hang or fill a process that believes it. */
export type PeerCase = { name: string; messages: Buffer[] };

/** Numbers that a downloader gives its extensions, in the order in which webtorrent has them. */
const UT_METADATA = 1;
const UT_PEX = 2;
const LT_DONTHAVE = 3;

const WANTS_METADATA = extended(0, 'd1:md11:ut_metadatai1eee');
const OFFERS_METADATA = extended(0, 'd1:md11:ut_metadatai1ee13:metadata_sizei40000ee');
const HAS_PEX = extended(0, 'd1:md6:ut_pexi2eee');
const HAVE_ALL = message(ID.haveAll);
const INTERESTED = message(ID.interested);
const METADATA_MAX = 8 * 1024 * 1024;

const repeat = (count: number, ...messages: Buffer[]) => Array.from({ length: count }, () => messages).flat();
const dictionaryOf = (key: string, bytes: Buffer) =>
  Buffer.concat([Buffer.from(`d${key.length}:${key}${bytes.length}:`), bytes, Buffer.from('e')]);
/** 10.x.y.z: nobody may be dialled there. */
const compactPeers = (count: number) =>
  Buffer.concat(
    Array.from({ length: count }, (_, index) => Buffer.from([10, index >> 16, (index >> 8) & 255, index & 255, 26, 225])),
  );

export const PEER_MESSAGES: Record<string, PeerCase[]> = {
  'extended handshake': [
    { name: 'a negative length in a list', messages: [extended(0, 'l-3:e')] },
    { name: 'a negative length in a dictionary', messages: [extended(0, 'd-3:i1ee')] },
    { name: 'a dictionary key of negative length alone', messages: [extended(0, 'd-3:e')] },
    { name: 'nested 200,000 deep', messages: [extended(0, 'l'.repeat(200_000))] },
    { name: 'nested 200,000 deep, and closed again', messages: [extended(0, 'l'.repeat(200_000) + 'e'.repeat(200_000))] },
    { name: 'dictionaries nested 100,000 deep', messages: [extended(0, 'd1:a'.repeat(100_000))] },
    { name: 'an m without numbers', messages: [extended(0, 'd1:md8:toStringi1e6:ut_pexleee')] },
    { name: 'an m that is a list', messages: [extended(0, 'd1:mlee')] },
    { name: 'an m that is a number', messages: [extended(0, 'd1:mi1ee')] },
    { name: 'a dictionary as the number of an extension', messages: [extended(0, 'd1:md11:ut_metadatadeee'), extended(1, '')] },
    { name: 'a prototype as a key', messages: [extended(0, 'd9:__proto__d1:mi1eee')] },
    { name: 'a list', messages: [extended(0, 'le')] },
    { name: 'a number', messages: [extended(0, 'i1e')] },
    { name: 'nothing', messages: [extended(0, '')] },
    { name: 'cut short', messages: [extended(0, 'd1:md')] },
    { name: 'a string beyond its end', messages: [extended(0, 'd999999999999:a')] },
    { name: 'a request queue of -1', messages: [extended(0, 'd4:reqqi-1ee'), HAVE_ALL, message(ID.unchoke)] },
    { name: 'one after another', messages: repeat(500, OFFERS_METADATA) },
  ],
  'metadata exchange': [
    {
      name: 'data before the extended handshake',
      messages: [extended(UT_METADATA, 'd8:msg_typei1e5:piecei0e10:total_sizei40000eexxxx')],
    },
    { name: 'a request before the extended handshake', messages: [extended(UT_METADATA, 'd8:msg_typei0e5:piecei0ee')] },
    { name: 'an empty message', messages: [WANTS_METADATA, extended(UT_METADATA, '')] },
    { name: 'a number', messages: [WANTS_METADATA, extended(UT_METADATA, 'i1e')] },
    { name: 'a negative length', messages: [WANTS_METADATA, extended(UT_METADATA, 'l-3:e')] },
    { name: 'a request out of range', messages: [WANTS_METADATA, extended(UT_METADATA, 'd8:msg_typei0e5:piecei100000ee')] },
    { name: 'a request of a negative piece', messages: [WANTS_METADATA, extended(UT_METADATA, 'd8:msg_typei0e5:piecei-5ee')] },
    {
      name: 'a request of a piece that is text',
      messages: [WANTS_METADATA, extended(UT_METADATA, 'd8:msg_typei0e5:piece1:aee')],
    },
    { name: 'a piece out of range', messages: [OFFERS_METADATA, extended(UT_METADATA, 'd8:msg_typei1e5:piecei100000eexx')] },
    { name: 'a negative piece', messages: [OFFERS_METADATA, extended(UT_METADATA, 'd8:msg_typei1e5:piecei-5eexx')] },
    { name: 'a piece that is text', messages: [OFFERS_METADATA, extended(UT_METADATA, 'd8:msg_typei1e5:piece1:aexx')] },
    {
      name: 'a piece too long',
      messages: [OFFERS_METADATA, extended(UT_METADATA, `d8:msg_typei1e5:piecei2ee${'x'.repeat(16_384)}`)],
    },
    { name: 'rejects only', messages: [OFFERS_METADATA, ...repeat(1000, extended(UT_METADATA, 'd8:msg_typei2e5:piecei0ee'))] },
    { name: 'a size of -1', messages: [extended(0, 'd1:md11:ut_metadatai1ee13:metadata_sizei-1ee')] },
    { name: 'a size of 0', messages: [extended(0, 'd1:md11:ut_metadatai1ee13:metadata_sizei0ee')] },
    { name: 'a size that is text', messages: [extended(0, 'd1:md11:ut_metadatai1ee13:metadata_size1:aee')] },
    { name: 'a size of 10^400', messages: [extended(0, `d1:md11:ut_metadatai1ee13:metadata_sizei${'9'.repeat(400)}eee`)] },
    { name: 'a size above the limit', messages: [extended(0, `d1:md11:ut_metadatai1ee13:metadata_sizei${METADATA_MAX + 1}ee`)] },
  ],
  'peer exchange': [
    { name: 'a negative length', messages: [HAS_PEX, extended(UT_PEX, 'l-3:e')] },
    { name: '7 bytes', messages: [HAS_PEX, extended(UT_PEX, 'd5:added7:1234567e')] },
    { name: 'nothing', messages: [HAS_PEX, extended(UT_PEX, '')] },
    { name: 'a number', messages: [HAS_PEX, extended(UT_PEX, 'd5:addedi7ee')] },
    // A thing with a length is copied entry by entry, if it is believed.
    ...['added', 'added6', 'dropped', 'dropped6'].map((key) => ({
      name: `a dictionary as ${key} that says it has 2 billion bytes`,
      messages: [HAS_PEX, extended(UT_PEX, `d${key.length}:${key}d6:lengthi2000000000eee`)],
    })),
    { name: '150,000 peers', messages: [HAS_PEX, extended(UT_PEX, dictionaryOf('added', compactPeers(150_000)))] },
    { name: '150,000 dropped peers', messages: [HAS_PEX, extended(UT_PEX, dictionaryOf('dropped', compactPeers(150_000)))] },
    {
      name: 'one message after another',
      messages: [HAS_PEX, ...repeat(200, extended(UT_PEX, dictionaryOf('added', compactPeers(50))))],
    },
    {
      name: 'pieces that it lost and never had',
      messages: [extended(LT_DONTHAVE, uint32(0xffff_ffff)), extended(LT_DONTHAVE, '')],
    },
  ],
  pieces: [
    {
      name: 'have 2^30, then bitfields',
      messages: [message(ID.have, uint32(2 ** 30)), ...repeat(2, message(ID.bitfield, 'xx'))],
    },
    {
      name: 'have 2^26, then bitfields',
      messages: [message(ID.have, uint32(2 ** 26)), ...repeat(3, message(ID.bitfield, 'xx'))],
    },
    {
      name: 'have 399,999, then bitfields',
      messages: [message(ID.have, uint32(399_999)), ...repeat(3, message(ID.bitfield, 'xx'))],
    },
    { name: 'have 2^32-1', messages: [message(ID.have, uint32(0xffff_ffff))] },
    { name: 'a bitfield of 4 MiB', messages: [message(ID.bitfield, Buffer.alloc(4 << 20))] },
    { name: 'a bitfield of 512 KiB', messages: [message(ID.bitfield, Buffer.alloc(512 << 10, 0xff))] },
    { name: 'a bitfield of no bytes', messages: [message(ID.bitfield)] },
    { name: '300 bitfields', messages: repeat(300, message(ID.bitfield, Buffer.alloc(1000, 0xff))) },
    { name: 'everything and nothing in turns', messages: repeat(500, HAVE_ALL, message(ID.haveNone)) },
    { name: 'allowed-fast pieces that are nowhere', messages: repeat(500, message(ID.allowedFast, uint32(0xffff_fff0))) },
    { name: 'suggested pieces that are nowhere', messages: repeat(500, message(ID.suggest, uint32(2 ** 31))) },
    { name: 'blocks that nobody asked for', messages: repeat(20, message(ID.piece, Buffer.alloc(16_392, 1))) },
    {
      name: 'a block of a piece that is nowhere',
      messages: [message(ID.piece, Buffer.concat([uint32(0xffff_ffff, 0xffff_ffff), Buffer.alloc(16)]))],
    },
    { name: 'rejects of what nobody asked for', messages: repeat(1000, message(ID.reject, uint32(1, 2, 3))) },
    { name: 'choke and unchoke in turns', messages: [HAVE_ALL, ...repeat(500, message(ID.unchoke), message(ID.choke))] },
  ],
  'lengths and floods': [
    { name: 'a message of 2^31-1 bytes, then a stream', messages: [uint32(0x7fff_ffff), ...repeat(16, Buffer.alloc(1 << 20))] },
    { name: 'a message of 2^32-1 bytes, then a stream', messages: [uint32(0xffff_ffff), ...repeat(200, Buffer.alloc(1 << 20))] },
    { name: 'a message of 8 MiB', messages: [message(ID.extended, Buffer.alloc(8 << 20))] },
    {
      name: '20,000 requests that are never read',
      messages: [HAVE_ALL, INTERESTED, ...repeat(20_000, message(ID.request, uint32(0, 0, 131_072)))],
    },
    { name: 'a request of 2^32-1 bytes', messages: [INTERESTED, message(ID.request, uint32(0, 0, 0xffff_ffff))] },
    { name: '500,000 keep-alives', messages: [Buffer.alloc(2_000_000)] },
    {
      name: 'messages without a body',
      messages: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 20].map((id) => message(id)),
    },
    {
      name: 'messages of ids that nobody knows',
      messages: [10, 11, 12, 18, 19, 21, 22, 23, 99, 255].map((id) => message(id, 'xxxx')),
    },
    { name: 'a second handshake', messages: [Buffer.from('\u0013BitTorrent protocol'.repeat(40))] },
    { name: 'junk', messages: [Buffer.alloc(100_000, 'lorem ipsum')] },
  ],
};
