import { type InfoHash, parseInfoHash } from '@lodestream/shared';
import { describe, expect, it } from 'vitest';
import { buildMagnetFragment, magnetOfFragment, sourceOfPage } from './magnet-fragment.ts';

const infoHash = parseInfoHash('a'.repeat(40)) as InfoHash;
const magnet = `magnet:?xt=urn:btih:${infoHash}&dn=100%25+%C3%BC&tr=http%3A%2F%2Ft.example%2Fannounce%3Fa%3D1`;

describe('the magnet in the fragment', () => {
  it('comes back as it was', () => {
    expect(magnetOfFragment(buildMagnetFragment({ kind: 'magnet', magnet, infoHash }))).toBe(magnet);
  });

  it('is there only where there is a magnet', () => {
    expect(buildMagnetFragment({ kind: 'info-hash', infoHash })).toBe('');
    expect(buildMagnetFragment(null)).toBe('');
  });

  it.each(['', '#', '#t=12', '#magnet=', '#magnet=%E0%A4%A', '#magnet=http%3A%2F%2Fx'])('is none in %j', (fragment) => {
    expect(magnetOfFragment(fragment)).toBeNull();
  });

  it('is posted again for its own torrent only', () => {
    const fragment = buildMagnetFragment({ kind: 'magnet', magnet, infoHash });
    expect(sourceOfPage(infoHash, fragment)).toEqual({ kind: 'magnet', magnet, infoHash });
    const other = parseInfoHash('b'.repeat(40)) as InfoHash;
    expect(sourceOfPage(other, fragment)).toEqual({ kind: 'info-hash', infoHash: other });
  });
});
