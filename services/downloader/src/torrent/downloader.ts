import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { type Logger, ProblemError, withSignal } from '@lodestream/service-kit';
import {
  buildProblem,
  type DownloaderSpec,
  type DownloaderStatus,
  KNOWN_DHT_NODES_MAX,
  type Metainfo,
  type MetainfoFile,
  type Problem,
  type Rejected,
  readInfoDictionary,
  readMetainfo,
  type SwarmKnowledge,
  WEB_SEEDS_MAX,
} from '@lodestream/shared';
import { pieceLengthAt, pieceSpan } from '../reading/piece-span.ts';
import { isNoSpace, openPieceStore } from '../storage/piece-store.ts';
import { createRateMeter } from '../webseed/rate-meter.ts';
import { createWebSeed, type WebSeed } from '../webseed/web-seed.ts';
import type { AddressFilter } from './address-filter.ts';
import { Content } from './content.ts';
import { planPreparedPieces } from './file-span.ts';
import { rememberPeers } from './remember-peers.ts';
import { joinSwarm, type Swarm } from './swarm.ts';
import { openSwarmMemory, type SwarmMemory } from './swarm-memory.ts';
import { type SwarmCensus, takeCensus } from './swarm-stats.ts';

/** Figures that cost a look at every piece are made anew at most so often. */
const FIGURES_MS = 1000;
/** Metadata of more than this is fetched again: films have 20 to 500 KB. */
const METADATA_KEPT_MAX_BYTES = 1024 * 1024;

/**
 * resolving ── valid metadata ──▶ ready ──▶ leaving
 *     └─────── anything fatal ──▶ failed ──▶ leaving
 *
 * A lack of peers is no state: it is a figure of the status, and the reads go on waiting.
 */
type State = { at: 'resolving' } | { at: 'ready'; content: Content } | { at: 'failed'; problem: Problem } | { at: 'leaving' };

export type Downloader = {
  status(fileIndex?: number): Omit<DownloaderStatus, 'idleSeconds'>;
  /** Resolves with the content once its metadata is known; rejects when that can never be, or by the signal. */
  waitForContent(signal: AbortSignal): Promise<Content>;
  /** The file's head and tail are fetched before anything else; before the metadata is there it is remembered. */
  prepare(fileIndex: number): void;
  /** The raw info dictionary, once known. */
  infoBytes(): Uint8Array | null;
  /** For the next downloader of this torrent; the metadata only when it is asked for and not too large to keep. */
  knowledge(hasMetadata: boolean): SwarmKnowledge;
  leave(): Promise<void>;
};

/** Finds a file by its index in the torrent; padding is nobody's file. */
export function findFile(metainfo: Metainfo, fileIndex: number): MetainfoFile {
  const file = metainfo.files[fileIndex];
  if (!file || file.isPadding) throw new ProblemError('file-unknown');
  return file;
}

export async function openDownloader(
  spec: DownloaderSpec,
  workDir: string,
  isAllowed: AddressFilter,
  logger: Logger,
): Promise<Downloader> {
  let state: State = { at: 'resolving' };
  const settled = Promise.withResolvers<Content>();
  settled.promise.catch(() => {});
  const toPrepare = new Set<number>();
  let lastPeerAt = performance.now();
  let webSeeds: readonly WebSeed[] = [];
  const webSeedRate = createRateMeter();
  let figures: { at: number; census: SwarmCensus } | null = null;

  const memory = openSwarmMemory(workDir, spec.known);
  const given = spec.source.metainfo === undefined ? null : await readMetainfo(Buffer.from(spec.source.metainfo, 'base64'));
  const metainfo = given && 'metainfo' in given ? given.metainfo : await readKnownMetadata(spec, memory);
  const swarm: Swarm = await joinSwarm(spec, metainfo?.isPrivate ?? false, memory, isAllowed, logger);
  rememberPeers(swarm, memory);
  swarm.on('error', (error) => {
    logger.error({ err: error }, 'swarm failed');
    fail(buildProblem('workload-failed'));
  });
  swarm.on('metadata', (bytes) => void readInfoDictionary(Uint8Array.from(bytes)).then(accept).catch(onFault));
  if (metainfo ?? given) void accept(metainfo ?? (given as Rejected)).catch(onFault);

  function onFault(error: unknown): void {
    logger.error({ err: error }, 'the torrent could not be opened');
    fail(buildProblem(isNoSpace(error) ? 'storage-full' : 'workload-failed'));
  }

  async function accept(read: Metainfo | Rejected): Promise<void> {
    if (state.at !== 'resolving') return;
    if ('problem' in read) return fail(buildProblem(read.problem, read.detail === undefined ? {} : { detail: read.detail }));
    if (read.infoHash !== spec.infoHash) return fail(buildProblem('invalid-torrent'));
    const lengthOf = (pieceIndex: number) => pieceLengthAt(pieceIndex, read.pieceLength, read.lengthBytes);
    const store = await openPieceStore(join(workDir, 'pieces'), lengthOf, read.pieceCount);
    if (state.at !== 'resolving') return;
    const urls = [
      ...new Set([...(spec.source.webSeeds ?? []), ...((given && 'source' in given && given.source.webSeeds) || [])]),
    ];
    webSeeds = urls.slice(0, WEB_SEEDS_MAX).map((url) => createWebSeed(url, read, logger));
    const content = new Content({ metainfo: read, swarm, webSeeds, store, budgetBytes: spec.diskBudgetBytes, logger });
    state = { at: 'ready', content };
    await swarm.useMetainfo(read, async (pieceIndex, offset, lengthBytes) => {
      if (!content.have.has(pieceIndex)) throw new Error('this piece is not here');
      return content.servePiece(pieceIndex, offset, lengthBytes);
    });
    if (read.infoBytes.length <= METADATA_KEPT_MAX_BYTES) memory.saveMetadata(read.infoBytes);
    for (const fileIndex of toPrepare) prepareFile(content, fileIndex);
    settled.resolve(content);
    logger.info(
      { pieceCount: read.pieceCount, pieceLength: read.pieceLength, candidates: store.candidates.size },
      'metadata is known',
    );
  }

  function fail(problem: Problem): void {
    if (state.at === 'leaving' || state.at === 'failed') return;
    logger.error({ code: problem.code, detail: problem.detail }, 'failed');
    if (state.at === 'ready') state.content.close();
    state = { at: 'failed', problem };
    settled.reject(new ProblemError(problem.code, problem.detail === undefined ? {} : { detail: problem.detail }));
  }

  function takeFigures(content: Content | null): SwarmCensus {
    const now = performance.now();
    const sources = [...swarm.wires, ...webSeeds.filter((seed) => !seed.destroyed)];
    if (sources.length > 0) lastPeerAt = now;
    if (!figures || now - figures.at > FIGURES_MS || figures.census.peers !== sources.length) {
      const empty = new Uint8Array(0);
      const census = takeCensus(sources, content?.have.bytes ?? empty, content?.metainfo.pieceCount ?? 0);
      figures = { at: now, census };
    }
    return figures.census;
  }

  const receivedFromWebSeeds = () => webSeeds.reduce((sum, seed) => sum + seed.receivedBytes, 0);

  return {
    status(fileIndex) {
      const content = state.at === 'ready' ? state.content : null;
      const info = content?.metainfo;
      const census = takeFigures(content);
      const file = fileIndex === undefined ? undefined : info?.files[fileIndex];
      return {
        kind: 'downloader',
        infoHash: spec.infoHash,
        state: state.at,
        ...(state.at === 'failed' ? { problem: state.problem } : {}),
        ...(info?.infoHashV2 === undefined ? {} : { infoHashV2: info.infoHashV2 }),
        name: info?.name ?? spec.source.displayName,
        lengthBytes: info?.lengthBytes ?? 0,
        pieceLength: info?.pieceLength ?? 0,
        files: (info?.files ?? [])
          .filter((each) => !each.isPadding)
          .map(({ index, path, lengthBytes, kind }) => ({ index, path, lengthBytes, kind })),
        swarm: {
          peers: census.peers,
          seeders: census.seeders,
          downloadBytesPerSecond: swarm.downloadBytesPerSecond + webSeedRate.read(performance.now(), receivedFromWebSeeds()),
          uploadBytesPerSecond: swarm.uploadBytesPerSecond,
          havePieces: content?.have.count() ?? 0,
          pieceCount: info?.pieceCount ?? 0,
        },
        secondsWithoutPeers: census.peers > 0 ? 0 : (performance.now() - lastPeerAt) / 1000,
        isIncompleteSwarm: census.isIncomplete,
        ...(content && file ? { pieces: filePieces(content, file) } : {}),
      };
    },
    async waitForContent(signal) {
      if (state.at === 'leaving') throw new ProblemError('draining');
      return withSignal(settled.promise, signal);
    },
    prepare(fileIndex) {
      toPrepare.add(fileIndex);
      if (state.at === 'failed') throw new ProblemError(state.problem.code);
      if (state.at !== 'ready') return;
      findFile(state.content.metainfo, fileIndex);
      prepareFile(state.content, fileIndex);
    },
    infoBytes: () => (state.at === 'ready' ? state.content.metainfo.infoBytes : null),
    knowledge(hasMetadata) {
      const info = state.at === 'ready' ? state.content.metainfo : null;
      const bytes = hasMetadata && info && info.infoBytes.length <= METADATA_KEPT_MAX_BYTES ? info.infoBytes : null;
      return {
        ...(bytes ? { metadata: Buffer.from(bytes).toString('base64') } : {}),
        peers: memory.servedPeers(),
        // Who knows a private torrent is its tracker's business alone (BEP 27).
        dhtNodes: info?.isPrivate ? [] : swarm.dhtNodes().slice(0, KNOWN_DHT_NODES_MAX),
      };
    },
    async leave() {
      if (state.at === 'ready') state.content.close();
      state = { at: 'leaving' };
      settled.reject(new ProblemError('draining'));
      for (const seed of webSeeds) seed.destroy();
      await swarm.leave();
      memory.close();
    },
  };
}

function prepareFile(content: Content, fileIndex: number): void {
  const file = content.metainfo.files[fileIndex];
  if (file && !file.isPadding) content.prepare(planPreparedPieces(file, content.metainfo.pieceLength));
}

function filePieces(content: Content, file: MetainfoFile): { count: number; have: string } {
  const { first, end } = pieceSpan({ start: file.offset, end: file.offset + file.lengthBytes }, content.metainfo.pieceLength);
  return { count: end - first, have: Buffer.from(content.have.slice(first, end)).toString('base64') };
}

/** Of an earlier life or another's telling: what has not this hash was never said. */
async function readKnownMetadata(spec: DownloaderSpec, memory: SwarmMemory): Promise<Metainfo | null> {
  if (!memory.metadata) return null;
  const read = await readInfoDictionary(Uint8Array.from(memory.metadata));
  return 'problem' in read || read.infoHash !== spec.infoHash ? null : read;
}
