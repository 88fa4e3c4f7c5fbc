import { describe, expect, it } from 'vitest';
import { readApiError } from './read-api-error.ts';

const answer = (code: number, message = '', headers: Record<string, string> = {}) =>
  Object.assign(new Error('HTTP'), { code, body: JSON.stringify({ kind: 'Status', message }), headers });

describe('readApiError', () => {
  it.each([
    ['a name that is taken', answer(409, 'pods "dl-a" already exists'), 'conflict'],
    ['a pod that is gone', answer(404, 'pods "dl-a" not found'), 'gone'],
    ['a list that is too old to go on from', answer(410, 'too old resource version'), 'gone'],
    ['a full namespace', answer(403, 'pods "dl-a" is forbidden: exceeded quota: small, requested: pods=1'), 'quota'],
    ['a right that is missing', answer(403, 'pods is forbidden: User "x" cannot create'), 'refused'],
    ['a pod that breaks a rule', answer(422, 'Pod "dl-a" is invalid'), 'refused'],
    ['a server that has too much to do', answer(429), 'again'],
    ['a server that is starting', answer(500), 'again'],
    ['a token that is being renewed', answer(401), 'again'],
    ['a connection that broke', Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } }), 'again'],
    ['an answer that did not come in time', new DOMException('timeout', 'TimeoutError'), 'again'],
  ])('%s', (_name, error, fault) => {
    expect(readApiError(error).fault).toBe(fault);
  });

  it('knows how long the server wants to be left alone', () => {
    expect(readApiError(answer(429, '', { 'retry-after': '2' })).retryAfterMs).toBe(2000);
    expect(readApiError(answer(429)).retryAfterMs).toBeUndefined();
  });

  it('reads the message of an answer that is no status', () => {
    const error = Object.assign(new Error(), { code: 502, body: '<html>Bad Gateway</html>', headers: {} });
    expect(readApiError(error)).toMatchObject({ fault: 'again', message: '<html>Bad Gateway</html>' });
  });
});
