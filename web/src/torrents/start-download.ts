import { apiPaths, type InfoHash } from '@lodestream/shared';

/** Hands a file over to the browser's own downloads; the page stays. */
export function startDownload(infoHash: InfoHash, fileIndex: number): void {
  const link = document.createElement('a');
  link.href = apiPaths.content(infoHash, fileIndex, true);
  link.download = '';
  link.click();
}
