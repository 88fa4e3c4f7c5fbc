/**
 * Runs the measured thing and its floor in turns, A B A B, so that a machine that is slow for a minute is slow for both. The first turn
 * warms files and code, and does not count.
 */
export async function interleave<A, B>(
  count: number,
  ours: () => Promise<A>,
  floor: () => Promise<B>,
): Promise<{ ours: A[]; floor: B[] }> {
  const results: { ours: A[]; floor: B[] } = { ours: [], floor: [] };
  for (let turn = 0; turn <= count; turn++) {
    const pair = { floor: await floor(), ours: await ours() };
    if (turn === 0) continue;
    results.ours.push(pair.ours);
    results.floor.push(pair.floor);
  }
  return results;
}
