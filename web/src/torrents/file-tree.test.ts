import type { TorrentFile } from '@lodestream/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildFileTree, pickOnlyPlayable, type TreeNode, titleOfPath } from './file-tree.ts';

function file(index: number, path: string, kind: TorrentFile['kind'] = 'video'): TorrentFile {
  return { index, path, lengthBytes: 10, kind };
}

function outline(nodes: readonly TreeNode[]): unknown[] {
  return nodes.map((node) => (node.kind === 'file' ? node.name : { [node.name]: outline(node.children) }));
}

describe('the files as a tree', () => {
  it('leaves out the outer folder, puts folders first and counts as people do', () => {
    const tree = buildFileTree([file(0, 'Show/E10.mkv'), file(1, 'Show/E2.mkv'), file(2, 'Show/Extras/a.mkv')]);
    expect(outline(tree)).toEqual([{ Extras: ['a.mkv'] }, 'E2.mkv', 'E10.mkv']);
  });

  it('takes one line for a chain of folders', () => {
    const tree = buildFileTree([file(0, 'Show/a/b/c/one.mkv'), file(1, 'Show/two.mkv')]);
    expect(outline(tree)).toEqual([{ 'a/b/c': ['one.mkv'] }, 'two.mkv']);
  });

  it('keeps a single file and files without folders', () => {
    expect(outline(buildFileTree([file(0, 'one.mkv')]))).toEqual(['one.mkv']);
    expect(outline(buildFileTree([file(0, 'b.mkv'), file(1, 'a.mkv')]))).toEqual(['a.mkv', 'b.mkv']);
    expect(buildFileTree([])).toEqual([]);
  });

  it('holds every file once, and sums what folders hold, whatever the paths are', () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', '..', '', 'c'), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('/'));
    fc.assert(
      fc.property(fc.array(path, { maxLength: 20 }), (paths) => {
        const tree = buildFileTree(paths.map((name, index) => file(index, name)));
        const indexes = leaves(tree).sort((a, b) => a - b);
        expect(indexes).toEqual(paths.map((_, index) => index));
        for (const node of tree) if (node.kind === 'folder') expect(node.lengthBytes).toBe(10 * leaves([node]).length);
      }),
    );
  });
});

describe('the only film', () => {
  it('is found among what cannot be played', () => {
    expect(pickOnlyPlayable([file(0, 'a.nfo', 'text'), file(1, 'a.mkv')])?.index).toBe(1);
    expect(pickOnlyPlayable([file(0, 'a.mkv'), file(1, 'b.mp3', 'audio')])).toBeNull();
    expect(pickOnlyPlayable([])).toBeNull();
  });

  it('has a title without folders and extension', () => {
    expect(titleOfPath('a/The Film (1978).mkv')).toBe('The Film (1978)');
    expect(titleOfPath('.mkv')).toBe('.mkv');
    expect(titleOfPath('no extension here. At all')).toBe('no extension here. At all');
  });
});

function leaves(nodes: readonly TreeNode[]): number[] {
  return nodes.flatMap((node) => (node.kind === 'file' ? [node.file.index] : leaves(node.children)));
}
