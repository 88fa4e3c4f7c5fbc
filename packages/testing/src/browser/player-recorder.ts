/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { boxCentres } from '../clips/frame-number.ts';

/** A frame that the browser showed: the number in its picture, and where the browser says that it belongs. */
export type ShownFrame = {
  number: number;
  /** The picture's own timestamp. */
  mediaTimeSeconds: number;
};

export type PlaybackState = {
  currentSeconds: number;
  durationSeconds: number;
  isPaused: boolean;
  hasEnded: boolean;
  readyState: number;
  buffered: [number, number][];
  /** Chromium's own counts: what its decoders have made of the stream. */
  decodedAudioBytes: number;
  decodedVideoBytes: number;
  droppedFrames: number;
  width: number;
  height: number;
  error: string | null;
};

export type PlayerRecorder = {
  state(): Promise<PlaybackState>;
  /** Frames shown since the last call, in the order in which they were shown. */
  takeFrames(): Promise<ShownFrame[]>;
  /** Names of the media events since the start, with their time: `waiting`, `stalled`, `seeking`, `error`, `ended`. */
  events(): Promise<{ name: string; atMs: number; currentSeconds: number }[]>;
};

/** Small enough to be read quickly, large enough that a box is several pixels wide. */
const CANVAS_WIDTH = 192;
const CANVAS_HEIGHT = 108;

/**
 * Watches the page's only video element: what it shows, not what it says. Only a secure context shows its frames
 * (`VideoFrame`, https://www.w3.org/TR/webcodecs/#videoframe-interface); elsewhere `takeFrames` rejects.
 */
export async function recordPlayer(page: Page): Promise<PlayerRecorder> {
  await page.waitForSelector('video', { state: 'attached' });
  const handle = await page.evaluateHandle(startRecording, { centres: boxCentres(), width: CANVAS_WIDTH, height: CANVAS_HEIGHT });
  return {
    state: () => page.evaluate(readState),
    takeFrames: () =>
      handle.evaluate((recording) => {
        if (!isSecureContext) throw new Error('the pictures of a page are read in a secure context only');
        return recording.frames.splice(0);
      }),
    events: () => handle.evaluate((recording) => recording.events),
  };
}

type Recording = { frames: ShownFrame[]; events: { name: string; atMs: number; currentSeconds: number }[] };

/** Runs in the page: nothing from outside of it is seen in here. */
function startRecording(options: { centres: { x: number; y: number }[]; width: number; height: number }): Recording {
  const video = document.querySelector('video') as HTMLVideoElement;
  const canvas = document.createElement('canvas');
  canvas.width = options.width;
  canvas.height = options.height;
  const context = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
  const recording: Recording = { frames: [], events: [] };
  const onFrame = () => {
    video.requestVideoFrameCallback(onFrame);
    // A seek takes the picture away before it brings another one.
    if (video.readyState < video.HAVE_CURRENT_DATA) return;
    // The picture and its time in one: a busy page is told of a frame when the film has moved on, or is somewhere else.
    const picture = new VideoFrame(video);
    context.drawImage(picture, 0, 0, options.width, options.height);
    const mediaTimeSeconds = picture.timestamp / 1e6;
    picture.close();
    const { data } = context.getImageData(0, 0, options.width, options.height);
    let number = 0;
    for (const [bit, { x, y }] of options.centres.entries()) {
      const pixel = Math.floor(y * options.height) * options.width + Math.floor(x * options.width);
      if ((data[4 * pixel + 1] ?? 0) > 128) number += 2 ** bit;
    }
    recording.frames.push({ number, mediaTimeSeconds });
  };
  if (isSecureContext) video.requestVideoFrameCallback(onFrame);
  for (const name of ['waiting', 'stalled', 'seeking', 'seeked', 'playing', 'pause', 'error', 'ended'])
    video.addEventListener(name, () =>
      recording.events.push({ name, atMs: performance.now(), currentSeconds: video.currentTime }),
    );
  return recording;
}

/** Runs in the page. */
function readState(): PlaybackState {
  const video = document.querySelector('video') as HTMLVideoElement & {
    webkitAudioDecodedByteCount?: number;
    webkitVideoDecodedByteCount?: number;
  };
  return {
    currentSeconds: video.currentTime,
    durationSeconds: video.duration,
    isPaused: video.paused,
    hasEnded: video.ended,
    readyState: video.readyState,
    buffered: Array.from({ length: video.buffered.length }, (_, i) => [video.buffered.start(i), video.buffered.end(i)]),
    decodedAudioBytes: video.webkitAudioDecodedByteCount ?? 0,
    decodedVideoBytes: video.webkitVideoDecodedByteCount ?? 0,
    droppedFrames: video.getVideoPlaybackQuality().droppedVideoFrames,
    width: video.videoWidth,
    height: video.videoHeight,
    error: video.error ? `${video.error.code}: ${video.error.message}` : null,
  };
}
