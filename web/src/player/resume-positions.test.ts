import { describe, expect, it } from 'vitest';
import { notePosition, parsePositions, type ResumePositions, resumeKey } from './resume-positions.ts';

const key = resumeKey('a'.repeat(40), 3);

describe('remembered places', () => {
  it('are noted in the middle of a film', () => {
    expect(notePosition({}, key, 600, 5400, 1)).toEqual({ [key]: { seconds: 600, savedAtMs: 1 } });
  });

  it('are forgotten at the start and in the credits', () => {
    const before: ResumePositions = { [key]: { seconds: 600, savedAtMs: 1 } };
    expect(notePosition(before, key, 4, 5400, 2)).toEqual({});
    expect(notePosition(before, key, 5390, 5400, 2)).toEqual({});
  });

  it('are kept in a short clip, too', () => {
    expect(notePosition({}, key, 7, 20, 1)).toHaveProperty(key.replaceAll('.', '\\.'));
  });

  it('drop the oldest beyond a few hundred', () => {
    let positions: ResumePositions = {};
    for (let n = 0; n < 400; n += 1) positions = notePosition(positions, `film-${n}`, 600, 5400, n);
    expect(Object.keys(positions)).toHaveLength(300);
    expect(positions).toHaveProperty('film-399');
    expect(positions).not.toHaveProperty('film-0');
  });

  it.each([null, '', 'nonsense', '[]', '3', '{"x":{"seconds":"a"}}', '{"x":null}'])('are none in %j', (text) => {
    expect(parsePositions(text)).toEqual({});
  });
});
