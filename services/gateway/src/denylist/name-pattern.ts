/** A name or a pattern as both are compared: one case, one form of each letter, one space where names have dots or dashes. */
export function foldName(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(INVISIBLE, '')
    .replace(/[\s._+-]+/gu, ' ')
    .trim();
}

/** Soft hyphens, zero-width characters and the like: whoever hides one in a name must not pass by it. */
const INVISIBLE = /\p{Cf}/gu;

/** A pattern with less of its own would name half of everything. */
const MIN_LETTERS = 3;
const MAX_CHARACTERS = 200;

/** A folded glob: `*` is any text, `?` one character. `anchor` is its longest piece of plain text. */
export type NamePattern = { readonly glob: string; readonly anchor: string };

/** Reads what stands after `name:`; the fault, in words for the operator, when it is none. */
export function parseNamePattern(text: string): NamePattern | { fault: string } {
  const glob = foldName(text).replace(/\*+/g, '*');
  if (text.length > MAX_CHARACTERS) return { fault: `a name pattern has at most ${MAX_CHARACTERS} characters` };
  if ((glob.match(/[\p{L}\p{N}]/gu)?.length ?? 0) < MIN_LETTERS)
    return { fault: `a name pattern has at least ${MIN_LETTERS} letters or digits` };
  const anchor = glob
    .split(/[*?]/)
    .map((piece) => piece.trim())
    .reduce((longest, piece) => (piece.length > longest.length ? piece : longest), '');
  return { glob, anchor };
}

/**
 * Whether the glob is the whole of the folded name. Goes back to the last `*` only, so that it takes the product of both
 * lengths at most, whatever stands in a list or in a torrent.
 */
export function matchesGlob(glob: string, name: string): boolean {
  const [pattern, text] = [[...glob], [...name]];
  let [p, t] = [0, 0];
  let star = -1;
  let starText = 0;
  while (t < text.length) {
    if (p < pattern.length && (pattern[p] === '?' || (pattern[p] === text[t] && pattern[p] !== '*'))) {
      p += 1;
      t += 1;
    } else if (pattern[p] === '*') {
      star = p;
      starText = t;
      p += 1;
    } else if (star >= 0) {
      p = star + 1;
      starText += 1;
      t = starText;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}
