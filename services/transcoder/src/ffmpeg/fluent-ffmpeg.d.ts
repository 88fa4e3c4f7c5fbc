declare module 'fluent-ffmpeg' {
  import type { ChildProcess } from 'node:child_process';
  import type { EventEmitter } from 'node:events';

  /** The surface of fluent-ffmpeg 2.1.3 that we rely on, and no more. */
  type Command = EventEmitter & {
    ffmpegProc?: ChildProcess;
    setFfmpegPath(path: string): Command;
    input(source: string): Command;
    inputOptions(...options: string[]): Command;
    output(target: string): Command;
    outputOptions(...options: string[]): Command;
    run(): Command;
    /** Private: what `run` spawns. */
    _getArguments(): string[];
    /** Private: lists formats and encoders by running ffmpeg twice. */
    _checkCapabilities(callback: (error?: Error | null) => void): void;
    availableEncoders(callback: (error: Error | null, encoders: Record<string, never>) => void): void;
  };
  const ffmpeg: (options: { cwd: string; stdoutLines: number }) => Command;
  export default ffmpeg;
}
