import { z } from 'zod';

/** What a viewer waits for. One at a time, in this order. */
export const STAGES = ['finding-peers', 'metadata', 'first-pieces', 'probing', 'encoding', 'ready'] as const;
export const Stage = z.enum(STAGES);
export type Stage = z.infer<typeof Stage>;

/** What is wrong beside a stage, while the server keeps trying. */
export const HINTS = ['no-peers', 'no-seeders', 'slow-swarm', 'busy', 'restarting'] as const;
export const Hint = z.enum(HINTS);
export type Hint = z.infer<typeof Hint>;
