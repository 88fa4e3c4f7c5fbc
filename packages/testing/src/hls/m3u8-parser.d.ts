/** The surface of m3u8-parser that we use; the package brings no types. */
declare module 'm3u8-parser' {
  export class Parser {
    push(text: string): void;
    end(): void;
    readonly manifest: {
      endList?: boolean;
      playlistType?: string;
      targetDuration?: number;
      mediaSequence?: number;
      segments: { duration: number; uri: string; map?: { uri: string }; discontinuity?: boolean }[];
      playlists?: { uri: string; attributes: Record<string, unknown> }[];
      mediaGroups?: { AUDIO: Record<string, Record<string, { uri?: string; language?: string; default: boolean }>> };
    };
  }
}
