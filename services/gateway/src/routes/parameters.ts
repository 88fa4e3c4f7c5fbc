import { type InfoHash, parseInfoHash } from '@lodestream/shared';
import { z } from 'zod';

const MAX_FILE_INDEX = 99_999;
const MAX_SEGMENT_INDEX = 999_999;

/** Path parameters: only what these accept ever reaches the code. Any spelling of a hash is folded to the one. */
export const InfoHashParameter = z
  .string()
  .max(40)
  .transform((text, context): InfoHash => {
    const infoHash = parseInfoHash(text);
    if (infoHash) return infoHash;
    context.addIssue({ code: 'custom', message: 'not an info hash' });
    return z.NEVER;
  });

const index = (max: number) =>
  z
    .string()
    .regex(/^(0|[1-9]\d{0,5})$/)
    .transform(Number)
    .pipe(z.number().max(max));

export const FileIndexParameter = index(MAX_FILE_INDEX);
export const SegmentIndexParameter = index(MAX_SEGMENT_INDEX);
export const RenditionParameter = z.string().regex(/^[a-z][a-z0-9]{0,15}-[0-9a-f]{8}$/);

export const TorrentParams = z.object({ infoHash: InfoHashParameter });
export const FileParams = TorrentParams.extend({ fileIndex: FileIndexParameter });
export const RenditionParams = FileParams.extend({ rendition: RenditionParameter });
