/** One hunk of a unified diff: what stands in the patched file from a line on, and what stood there before. */
export type Hunk = { file: string; firstLine: number; patched: string[]; original: string[] };

const HUNK_HEAD = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

/** Reads a patch as git writes it (`diff --git`, `+++ b/FILE`, hunks); a file that is new or gone is none of ours. */
export function readPatch(text: string): Hunk[] {
  const hunks: Hunk[] = [];
  let file = '';
  let hunk: Hunk | undefined;
  for (const line of text.split('\n')) {
    const head = HUNK_HEAD.exec(line);
    if (line.startsWith('diff --git ')) hunk = undefined;
    else if (line.startsWith('+++ b/')) file = line.slice('+++ b/'.length);
    else if (head) {
      hunk = { file, firstLine: Number(head[1]), patched: [], original: [] };
      hunks.push(hunk);
    } else if (hunk) addLine(hunk, line);
  }
  return hunks;
}

function addLine(hunk: Hunk, line: string): void {
  const rest = line.slice(1);
  if (line.startsWith('+')) hunk.patched.push(rest);
  else if (line.startsWith('-')) hunk.original.push(rest);
  else if (line.startsWith(' ')) {
    hunk.patched.push(rest);
    hunk.original.push(rest);
  }
}

/** What the hunk changes: the lines that it brings, then those that it takes, with a minus. */
export function changedText({ patched, original }: Hunk): string {
  const added = patched.filter((line) => !original.includes(line)).map((line) => line.trim());
  const gone = original.filter((line) => !patched.includes(line)).map((line) => `-${line.trim()}`);
  return [...added, ...gone].join('\n');
}

/** The patched file as it were without this hunk; undefined where the text is not that of the patched file. */
export function withoutHunk(text: string, hunk: Hunk): string | undefined {
  const lines = text.split('\n');
  const at = hunk.firstLine - 1;
  const isThere = hunk.patched.every((line, index) => lines[at + index] === line);
  if (!isThere) return undefined;
  return [...lines.slice(0, at), ...hunk.original, ...lines.slice(at + hunk.patched.length)].join('\n');
}
