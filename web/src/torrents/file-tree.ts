import type { TorrentFile } from '@lodestream/shared';

export interface FileNode {
  kind: 'file';
  name: string;
  file: TorrentFile;
}

export interface FolderNode {
  kind: 'folder';
  /** `a/b` when a folder holds nothing but one folder: a chain takes one line. */
  name: string;
  path: string;
  lengthBytes: number;
  fileCount: number;
  playableCount: number;
  children: TreeNode[];
}

export type TreeNode = FileNode | FolderNode;

/** What the player can try: the media types, whatever codec they turn out to hold. */
export function isPlayable(file: TorrentFile): boolean {
  return file.kind === 'video' || file.kind === 'audio';
}

/** The only file that can be played, or null when there are several or none. */
export function pickOnlyPlayable(files: readonly TorrentFile[]): TorrentFile | null {
  const playable = files.filter(isPlayable);
  return playable.length === 1 ? (playable[0] ?? null) : null;
}

/** The name of a file as a title: without its folders and its extension. */
export function titleOfPath(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.replace(/(.)\.[a-z0-9]{2,4}$/i, '$1');
}

/**
 * The files of a torrent as a tree: folders first, names in natural order (2 before 10). The outer folder that nearly every
 * torrent has (its own name) is left out.
 */
export function buildFileTree(files: readonly TorrentFile[]): TreeNode[] {
  const root = emptyFolder('', '');
  const folders = new Map<string, FolderNode>([['', root]]);
  for (const file of files) {
    const parts = file.path.split('/').filter((part) => part !== '');
    const name = parts.pop() ?? file.path;
    let folder = root;
    let path = '';
    for (const part of parts) {
      path = `${path}/${part}`;
      let next = folders.get(path);
      if (!next) {
        next = emptyFolder(part, path);
        folders.set(path, next);
        folder.children.push(next);
      }
      folder = next;
    }
    folder.children.push({ kind: 'file', name, file });
  }
  finish(root);
  const only = root.children[0];
  return root.children.length === 1 && only?.kind === 'folder' ? only.children : root.children;
}

function emptyFolder(name: string, path: string): FolderNode {
  return { kind: 'folder', name, path, lengthBytes: 0, fileCount: 0, playableCount: 0, children: [] };
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** Sums, order and chains, from the leaves up. */
function finish(folder: FolderNode): void {
  for (const [position, child] of folder.children.entries()) {
    if (child.kind === 'file') {
      folder.lengthBytes += child.file.lengthBytes;
      folder.fileCount += 1;
      if (isPlayable(child.file)) folder.playableCount += 1;
      continue;
    }
    finish(child);
    folder.lengthBytes += child.lengthBytes;
    folder.fileCount += child.fileCount;
    folder.playableCount += child.playableCount;
    const only = child.children[0];
    if (child.children.length === 1 && only?.kind === 'folder') {
      folder.children[position] = { ...only, name: `${child.name}/${only.name}` };
    }
  }
  folder.children.sort((a, b) => {
    if (a.kind !== b.kind) return a.kind === 'folder' ? -1 : 1;
    return byName.compare(a.name, b.name);
  });
}
