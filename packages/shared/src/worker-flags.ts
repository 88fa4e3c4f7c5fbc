/** Node's flags of every worker: a small nursery, where most buffers die. What else is set needs no new process (service-kit, `tuneCollector`). */
export const WORKER_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=2'];
