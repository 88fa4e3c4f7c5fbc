import type { FileKind } from './torrent.ts';

const EXTENSIONS: Record<Exclude<FileKind, 'other'>, string> = {
  video:
    '3g2 3gp asf avi divx f4v flv m1v m2t m2ts m2v m4v mkv mov mp4 mpe mpeg mpg mpv mts mxf nut ogm ogv qt rm rmvb ts vob webm wmv wtv y4m',
  audio: 'aac ac3 aif aiff alac amr ape au caf dsf dts eac3 flac m4a m4b mka mp2 mp3 mpa mpc oga ogg opus ra spx tta wav wma wv',
  image: 'avif bmp gif heic ico jfif jpeg jpg jxl png svg tif tiff webp',
  subtitle: 'ass idx smi srt ssa sub sup ttml vtt',
  text: 'cue htm html info json log m3u m3u8 md nfo pdf rtf sfv txt url xml',
};

const KIND_OF = new Map<string, FileKind>(
  Object.entries(EXTENSIONS).flatMap(([kind, list]) =>
    list.split(' ').map((extension) => [extension, kind as FileKind] as const),
  ),
);

/** What a file is likely to be, by its name alone; whether it can be played is for a probe to say. */
export function fileKind(path: string): FileKind {
  return KIND_OF.get(fileExtension(path)) ?? 'other';
}

/** The extension in lower case, without its dot; empty where there is none. */
export function fileExtension(path: string): string {
  return /[^/]\.([a-z0-9]{1,8})$/i.exec(path)?.[1]?.toLowerCase() ?? '';
}
