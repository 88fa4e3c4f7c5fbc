/** NAME_MAX of every file system that a download may be saved on; and no page shows more. */
export const DISPLAY_NAME_MAX_BYTES = 255;
const DISPLAY_PATH_MAX_BYTES = 1024;
const DISPLAY_PATH_MAX_DEPTH = 32;

/** C0 and C1 controls, soft hyphen, bidi marks, embeddings and isolates, zero-width and other invisible characters, lone surrogates. */
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are exactly what is taken out
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|\p{Cs}/gu;

/**
 * Makes a stranger's text fit to be shown: NFC, one line, nothing invisible and nothing that turns the reading
 * direction (so that `gpj.exe` cannot pose as `exe.jpg`), at most 255 bytes. It is text for people: it never becomes a
 * path, a header or markup.
 */
export function sanitizeDisplayName(text: string): string {
  const clean = text.normalize('NFC').replace(INVISIBLE, '').replace(/\s+/g, ' ').trim();
  return cutToBytes(clean, DISPLAY_NAME_MAX_BYTES);
}

/**
 * The display path of a file inside a torrent, from its components: slashes inside a component are shown as `_`, empty,
 * `.` and `..` components are left out. An empty result becomes `fallback`.
 */
export function sanitizeDisplayPath(components: readonly string[], fallback: string): string {
  const parts: string[] = [];
  for (const component of components) {
    const clean = sanitizeDisplayName(component.replace(/[/\\]/g, '_'));
    if (clean !== '' && clean !== '.' && clean !== '..') parts.push(clean);
  }
  const path = parts.slice(-DISPLAY_PATH_MAX_DEPTH).join('/');
  return cutToBytes(path, DISPLAY_PATH_MAX_BYTES) || fallback;
}

function cutToBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  let bytes = 0;
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > maxBytes) return text.slice(0, length);
    length += character.length;
  }
  return text;
}
