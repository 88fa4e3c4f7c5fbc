/** The command of a Dockerfile's `ENTRYPOINT [ … ]`. */
export function readEntrypoint(dockerfile) {
  const match = /^ENTRYPOINT (\[.*?\])$/ms.exec(dockerfile.replaceAll(/\\\n/g, ' '));
  if (!match) throw new Error('the Dockerfile has no ENTRYPOINT');
  return JSON.parse(match[1]);
}
