import { createHash } from 'node:crypto';
import type { InfoHash } from '@lodestream/shared';
import type { DenylistEntry, DenylistRules } from './denylist-text.ts';
import { foldName, matchesGlob } from './name-pattern.ts';

/** What a torrent can be known by. Its names are its own and those of its files, as far as they are known by now. */
export type TorrentFacts = Readonly<{ infoHash: InfoHash; infoHashV2?: string | undefined; names: readonly string[] }>;

/** The entry that the torrent is on the list by; undefined: it is not. */
export function findEntry(rules: DenylistRules, facts: TorrentFacts): DenylistEntry | undefined {
  for (const key of keysOf(facts)) {
    const entry = rules.hashes.get(key);
    if (entry) return entry;
  }
  return rules.patterns.length > 0 ? findByName(rules, facts.names) : undefined;
}

/** All that may stand in a list for it: a list in which `btih:` was digested too, as some are, says the same. */
function* keysOf({ infoHash, infoHashV2 }: TorrentFacts): Generator<string> {
  yield infoHash;
  yield sha256(infoHash);
  yield sha256(`btih:${infoHash}`);
  if (infoHashV2 === undefined) return;
  yield infoHashV2;
  yield sha256(infoHashV2);
  yield sha256(`btmh:${infoHashV2}`);
}

/** A torrent may have 20,000 names: only a pattern whose longest text is in some of them is compared with each. */
function findByName({ patterns }: DenylistRules, names: readonly string[]): DenylistEntry | undefined {
  const folded = [...new Set(names.map((name) => foldName(name.split('/').at(-1) ?? '')))];
  const all = folded.join('\n');
  const found = patterns.find(
    ({ pattern }) => all.includes(pattern.anchor) && folded.some((name) => matchesGlob(pattern.glob, name)),
  );
  return found?.entry;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
