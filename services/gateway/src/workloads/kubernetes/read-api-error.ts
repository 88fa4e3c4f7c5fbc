/**
 * What a refusal of the API server means for whoever asked. `again`: it passes, and the same call may be made again; `quota`: the
 * namespace is full; `refused`: this pod will never be taken, by rights or by rule.
 */
export type ApiFault = 'conflict' | 'gone' | 'quota' | 'refused' | 'again';

export type ApiError = { fault: ApiFault; message: string; retryAfterMs: number | undefined };

/** What may pass at a server that is restarting, overloaded or behind a balancer; 401 happens while tokens are renewed. */
const PASSING = new Set([401, 408, 429, 500, 502, 503, 504]);

/** Reads what a call threw: an answer of the server has a code and a JSON text, anything else never reached it. */
export function readApiError(error: unknown): ApiError {
  const { code, body, headers } = (error ?? {}) as { code?: unknown; body?: unknown; headers?: Record<string, string> };
  // A deadline that has passed has a number too, and it is no status.
  if (typeof code !== 'number' || code < 400) return { fault: 'again', message: String(error), retryAfterMs: undefined };
  const message = readMessage(body);
  const seconds = Number(headers?.['retry-after']);
  return { fault: faultOf(code, message), message, retryAfterMs: seconds > 0 ? seconds * 1000 : undefined };
}

function faultOf(code: number, message: string): ApiFault {
  if (code === 409) return 'conflict';
  if (code === 404 || code === 410) return 'gone';
  if (code === 403 && message.includes('exceeded quota')) return 'quota';
  return PASSING.has(code) ? 'again' : 'refused';
}

function readMessage(body: unknown): string {
  try {
    const status = typeof body === 'string' ? JSON.parse(body) : body;
    return typeof status?.message === 'string' ? status.message : '';
  } catch {
    return typeof body === 'string' ? body.slice(0, 500) : '';
  }
}
