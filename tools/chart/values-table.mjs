/**
 * The rows of a chart's README, from its values.yaml: one for every value, with its default and what is said of it. `# --` begins the
 * description of the key that follows; a mapping without a description is told by its keys. Reads the part of YAML that a values file
 * needs: block mappings indented by two, flow or plain values on one line, block lists below a key.
 */
export function readValues(text) {
  const rows = [];
  const path = [];
  let said = null;
  for (const line of text.split('\n')) {
    const comment = /^ *# ?(.*)$/.exec(line);
    if (comment) said = continueComment(said, comment[1]);
    const entry = /^( *)([A-Za-z][\w./-]*):(?: (.*))?$/.exec(line);
    if (entry) {
      const [, indent, key, value = ''] = entry;
      path.length = indent.length / 2;
      path.push(key);
      rows.push({ key: path.join('.'), depth: path.length, value, description: said ?? '' });
      said = null;
    } else if (!comment) said = null;
  }
  return rows
    .filter((row, index) => isTold(row, rows[index + 1]))
    .map(({ key, value, description }) => ({ key, value, description }));
}

/** What follows `# --` belongs to it until the key; other comments are for readers of the file. */
function continueComment(said, text) {
  if (text.startsWith('-- ')) return text.slice(3);
  return said === null ? null : `${said} ${text}`;
}

/** A mapping is told by its keys, unless it has a description: then it is one value for its reader, and its keys follow. */
function isTold(row, next) {
  const isMapping = row.value === '' && next !== undefined && next.depth > row.depth;
  return !isMapping || row.description !== '';
}

/** The rows as a Markdown table for each section, in the order of the file. */
export function formatValues(rows) {
  const sections = new Map();
  for (const row of rows) {
    const section = row.key.includes('.') ? row.key.split('.')[0] : '';
    sections.set(section, [...(sections.get(section) ?? []), row]);
  }
  return [...sections]
    .map(([section, members]) => {
      const title = section === '' ? 'In general' : `\`${section}\``;
      const lines = members.map(
        ({ key, value, description }) => `| \`${key}\` | ${formatDefault(value)} | ${escapeCell(description)} |`,
      );
      return [`### ${title}`, '', '| value | default | meaning |', '|---|---|---|', ...lines, ''].join('\n');
    })
    .join('\n');
}

const formatDefault = (value) => (value === '' ? '' : `\`${escapeCell(value)}\``);
const escapeCell = (text) => text.replaceAll('|', '\\|').trim();
