const ID = 'i'.repeat(20);

/** What anybody may send to the port of the DHT (security.md §13.5) and of uTP (BEP 29). */
export const UDP_PACKETS: Record<string, string> = {
  'a negative length in a list': 'l-3:e',
  'a negative length in a dictionary': 'd-3:i1ee',
  'nested 1,400 deep': 'l'.repeat(1400),
  noise: '\u0000\u00ff'.repeat(50),
  nothing: '',
  'a node of a stranger': `d1:ad2:id20:${ID}6:target20:${ID}e1:q9:find_node1:t2:aa1:y1:qe`,
  'a question without arguments': 'd1:q9:find_node1:t2:aa1:y1:qe',
  'arguments that are a number': 'd1:ai1e1:q9:get_peers1:t2:aa1:y1:qe',
  'an answer without a body': 'd1:t2:aa1:y1:re',
  'an answer whose body is a number': 'd1:ri7e1:t2:aa1:y1:re',
  'an error that is text': 'd1:e1:x1:t2:aa1:y1:ee',
  'an announcement of a number': `d1:ad2:id20:${ID}9:info_hashi1ee1:q13:announce_peer1:t2:aa1:y1:qe`,
  'an announcement without a token': `d1:ad2:id20:${ID}9:info_hash20:${ID}4:porti1ee1:q13:announce_peer1:t2:aa1:y1:qe`,
  'a thing to put that is a number': `d1:ad2:id20:${ID}1:vi1ee1:q3:put1:t2:aa1:y1:qe`,
  'a kind that is a number': 'd1:t2:aa1:yi1ee',
  'a kind that cannot be made text': 'd1:t2:aa1:yd8:toStringi1eee',
  'a question that cannot be made text': 'd1:qd8:toStringi1ee1:t2:aa1:y1:qe',
  'a transaction that is a number': 'd1:rd2:id1:xe1:ti1e1:y1:re',
  'a number': 'i1e',
  'a first packet of uTP': '\u0041\u0000\u0012\u0034'.padEnd(20, '\u0000'),
  'data of uTP of nobody': '\u0001\u0000\u0012\u0034'.padEnd(1400, '\u0007'),
  'an extension of uTP without an end': '\u0041\u0001\u0012\u0034'.padEnd(24, '\u00ff'),
};

/** What a UDP tracker may answer (BEP 15) to a request of this transaction. */
export const UDP_TRACKER_ANSWERS: Record<string, (transaction: Buffer) => Buffer> = {
  'nothing but the head': (transaction) => Buffer.concat([Buffer.from([0, 0, 0, 0]), transaction]),
  'three bytes': () => Buffer.from([0, 0, 0]),
  'no bytes': () => Buffer.alloc(0),
  'the transaction of another': () => Buffer.alloc(16, 7),
  'an announcement before the connection': (transaction) =>
    Buffer.concat([Buffer.from([0, 0, 0, 1]), transaction, Buffer.alloc(12, 0xff), Buffer.alloc(7)]),
  'an announcement without numbers': (transaction) => Buffer.concat([Buffer.from([0, 0, 0, 1]), transaction]),
  'a scrape that nobody asked for': (transaction) =>
    Buffer.concat([Buffer.from([0, 0, 0, 2]), transaction, Buffer.alloc(60_000)]),
  'an error without text': (transaction) => Buffer.concat([Buffer.from([0, 0, 0, 3]), transaction]),
  'an action that nobody knows': (transaction) => Buffer.concat([Buffer.from([0, 0, 0, 99]), transaction, Buffer.alloc(40)]),
};
