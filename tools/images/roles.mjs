/** What every image needs beside its own: Node, and an init that passes signals on and reaps what is left behind. */
const ALWAYS = ['node', 'tini'];
/** A transcoder contains its ffmpeg by a shell script (services/transcoder/bin/contained-ffmpeg); `sleep` is for the chart's pre-pull. */
const FFMPEG = ['dash', 'env', 'setpriv', 'prlimit', 'sleep', 'ffmpeg', 'ffprobe'];

/**
 * The images: the services inside, whether the web app is, and the programs that their Debian must have. `lodestream` is all of them
 * for one machine.
 */
export const ROLES = {
  gateway: { services: ['gateway'], hasWeb: true, programs: ALWAYS },
  downloader: { services: ['downloader'], hasWeb: false, programs: ALWAYS },
  transcoder: { services: ['transcoder'], hasWeb: false, programs: [...ALWAYS, ...FFMPEG] },
  lodestream: { services: ['gateway', 'downloader', 'transcoder'], hasWeb: true, programs: [...ALWAYS, ...FFMPEG] },
  redis: { services: [], hasWeb: false, programs: ['redis-server', 'redis-cli', 'tini'] },
};

/** Debian's packages of those programs, but for Node. */
export const PACKAGES = ['tini', 'dash', 'coreutils', 'util-linux', 'ffmpeg', 'redis-server', 'libc6', 'libgcc-s1', 'libstdc++6'];

/** Programs that an image has by another name than Debian. */
export const NAME_IN_IMAGE = { dash: 'sh' };
