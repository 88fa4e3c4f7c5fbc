import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readElf } from './elf.mjs';
import { NAME_IN_IMAGE } from './roles.mjs';

/** Debian's folder of libraries, by Docker's name of the architecture. */
const TRIPLET = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const PROGRAM_DIRS = ['usr/local/bin', 'usr/bin', 'bin', 'usr/sbin', 'sbin'];
/** Alternatives and private libraries lie a folder or two deeper; beyond are plugins that nothing is linked to. */
const LIBRARY_DEPTH = 2;

/**
 * The files that these programs need of a Debian tree, and no others: themselves, the loader, and every library that they are
 * linked to, directly or not; and the libraries of `addons`, files that are in the image already. `[from, to]` pairs, `from` on this machine, `to` in the image. Libraries all go into one folder
 * that the loader searches by itself, so the image needs no cache of it and no links of Debian's alternatives.
 */
export function findSystemFiles(root, arch, programs, addons = []) {
  const libraries = indexLibraries(root, TRIPLET[arch]);
  const files = new Map();
  const pending = programs.map((name) => ({ from: findProgram(root, name), to: `/usr/bin/${NAME_IN_IMAGE[name] ?? name}` }));
  for (const from of addons) pending.push({ from, to: null });
  while (pending.length > 0) {
    const { from, to } = pending.pop();
    if (files.has(to)) continue;
    if (to !== null) files.set(to, from);
    const elf = readElf(readFileSync(from));
    if (elf?.interpreter) pending.push({ from: resolveInside(root, elf.interpreter), to: elf.interpreter });
    for (const name of elf?.needed ?? []) {
      if (isLoader(name)) continue;
      const library = libraries.get(name);
      if (!library) throw new Error(`${from} needs ${name}, and ${root} has none`);
      pending.push({ from: resolveInside(root, library), to: `/usr/lib/${TRIPLET[arch]}/${name}` });
    }
  }
  return [...files].map(([to, from]) => [from, to]);
}

const isLoader = (name) => name.startsWith('ld-linux');

function findProgram(root, name) {
  const places = name.startsWith('/') ? [name] : PROGRAM_DIRS.map((dir) => `/${dir}/${name}`);
  const path = places.find((place) => existsSync(join(root, place)));
  if (!path) throw new Error(`${root} has no ${name}`);
  return resolveInside(root, path);
}

/** Follows links as they would be followed with `root` as the root. */
function resolveInside(root, path) {
  let at = path;
  for (let links = 0; links < 40; links++) {
    const real = join(root, at);
    let target;
    try {
      target = readlinkSync(real);
    } catch {
      return realpathSync(real);
    }
    at = resolve(dirname(at), target);
  }
  throw new Error(`${path}: too many links`);
}

/** Name → path in the tree. What lies higher wins: it is what the loader would find first. */
function indexLibraries(root, triplet) {
  const found = new Map();
  let dirs = ['/lib', '/usr/lib', '/usr/local/lib'].flatMap((dir) => [`${dir}/${triplet}`]);
  for (let depth = 0; depth <= LIBRARY_DEPTH; depth++) {
    const deeper = [];
    for (const dir of dirs)
      for (const entry of existsSync(join(root, dir)) ? readdirSync(join(root, dir), { withFileTypes: true }) : []) {
        if (entry.isDirectory()) deeper.push(`${dir}/${entry.name}`);
        else if (entry.name.includes('.so') && !found.has(entry.name)) found.set(entry.name, `${dir}/${entry.name}`);
      }
    dirs = deeper;
  }
  return found;
}
