import { describe, expect, it } from 'vitest';
import { buildProblem, NotPlayableReason, PROBLEM_CODES, PROBLEMS, Problem } from './problem.ts';

describe('the table of problems', () => {
  it.each(PROBLEM_CODES)('%s makes a document that the schema reads back', (code) => {
    const problem = buildProblem(code);
    expect(Problem.parse(JSON.parse(JSON.stringify(problem)))).toEqual(problem);
    expect(problem.type).toBe(`urn:lodestream:problem:${code}`);
    expect(problem.title).not.toBe('');
  });

  it('says "try again" by 5xx and "final" by 4xx, and never 504', () => {
    for (const code of PROBLEM_CODES) {
      const { status } = PROBLEMS[code];
      expect(status === 500 || status === 503 || (status >= 400 && status < 500), `${code}: ${status}`).toBe(true);
    }
  });

  it('has the closed set of the public API', () => {
    const final = PROBLEM_CODES.filter((code) => PROBLEMS[code].status < 500);
    expect(new Set(final)).toEqual(
      new Set([
        ...['invalid-request', 'invalid-magnet', 'invalid-torrent', 'torrent-too-large', 'torrent-v2-only', 'denied'],
        ...['torrent-unknown', 'file-unknown', 'rendition-unknown', 'segment-unknown', 'not-playable', 'range-not-satisfiable'],
        ...['body-too-large', 'unsupported-media-type', 'host-not-allowed', 'origin-not-allowed', 'rate-limited', 'not-found'],
      ]),
    );
    expect(new Set(PROBLEM_CODES.filter((code) => PROBLEMS[code].status >= 500))).toEqual(
      new Set(['not-ready', 'busy', 'storage-full', 'workload-failed', 'draining', 'internal']),
    );
    expect(PROBLEMS.denied.status).toBe(451);
  });
});

describe('buildProblem', () => {
  it('carries the safe details and only them', () => {
    const problem = buildProblem('not-ready', { stage: 'probing', retryAfterSeconds: 2 });
    expect(problem).toMatchObject({ status: 503, code: 'not-ready', stage: 'probing', retryAfterSeconds: 2 });
    expect(Object.keys(problem).sort()).toEqual(['code', 'retryAfterSeconds', 'stage', 'status', 'title', 'type']);
  });

  it('names why a file cannot be played from the closed set', () => {
    for (const reason of NotPlayableReason.options)
      expect(Problem.parse(buildProblem('not-playable', { reason })).reason).toBe(reason);
    expect(Problem.safeParse({ ...buildProblem('not-playable'), reason: 'because' }).success).toBe(false);
  });

  it('does not let details replace what the table says', () => {
    const smuggled = { status: 200, code: 'ok', title: 'fine' } as object;
    expect(buildProblem('busy', smuggled)).toMatchObject({ status: 503, code: 'busy', title: PROBLEMS.busy.title });
  });
});
