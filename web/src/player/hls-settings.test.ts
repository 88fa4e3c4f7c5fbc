import { describe, expect, it } from 'vitest';
import { buildHlsSettings, isRetryableStatus, shouldRetryLoad } from './hls-settings.ts';

describe('the load policies', () => {
  it.each([0, 408, 425, 429, 500, 502, 503, 504])('try %d again', (status) => expect(isRetryableStatus(status)).toBe(true));
  it.each([400, 403, 404, 410, 416, 422, 451, 200])('do not try %d again', (status) =>
    expect(isRetryableStatus(status)).toBe(false),
  );

  it('stop at their limit, and know an error without an answer', () => {
    const limit = { maxNumRetry: 2 };
    expect(shouldRetryLoad(limit, 1, false, { code: 503 })).toBe(true);
    expect(shouldRetryLoad(limit, 2, false, { code: 503 })).toBe(false);
    expect(shouldRetryLoad(limit, 0, true, undefined)).toBe(true);
    expect(shouldRetryLoad(limit, 0, false, undefined)).toBe(false);
    expect(shouldRetryLoad(null, 0, true, undefined)).toBe(false);
  });

  it('wait longer than the server holds a request', () => {
    const SERVER_HOLDS_MS = 25_000;
    const { fragLoadPolicy, manifestLoadPolicy, playlistLoadPolicy } = buildHlsSettings({
      startSeconds: -1,
      audioLanguage: null,
    });
    for (const policy of [fragLoadPolicy, manifestLoadPolicy, playlistLoadPolicy]) {
      expect(policy.default.maxTimeToFirstByteMs).toBeGreaterThan(SERVER_HOLDS_MS);
    }
  });
});
