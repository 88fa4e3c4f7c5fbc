/**
 * The last access of something that expires by itself. Requests and gateway touches call `touch`; an open stream
 * touches while its bytes move. Status polls, orders and stalled streams do not (architecture §2).
 */
export type IdleClock = {
  touch(): void;
  idleSeconds(): number;
};

export function createIdleClock(now: () => number = () => performance.now()): IdleClock {
  let lastAccessAt = now();
  return {
    touch: () => {
      lastAccessAt = now();
    },
    idleSeconds: () => (now() - lastAccessAt) / 1000,
  };
}
