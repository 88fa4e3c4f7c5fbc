const UNREAD = /\.(?:md|markdown|map|d\.[cm]?ts|flow|tsbuildinfo|patch|o|c|cc|h|gyp|gypi)$/i;
const UNREAD_FOLDERS =
  /^\/(?:node_modules|\.github|\.vscode|__tests__|tests?|examples?|benchmarks?|docs?|coverage|deps|src)(?:\/|$)/;
const LEGAL = /(?:^|\/)(?:licen[cs]e|copying|notice)[^/]*$/i;

/** Whether a file or folder of a package is for running it; `path` begins with a slash at the package. Licences stay. */
export function isNeeded(path) {
  return LEGAL.test(path) || !(UNREAD.test(path) || UNREAD_FOLDERS.test(path));
}

/** Whether a file is a package's licence or notice. */
export const isLegal = (name) => LEGAL.test(name);
