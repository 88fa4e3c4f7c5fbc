import type { Problem, ProblemCode } from '@lodestream/shared';

/** What can go wrong as the viewer sees it: the server's codes, and the cases where no server answered. */
export type FailureCode = ProblemCode | 'offline' | 'strange-answer' | 'playback-failed' | 'no-browser-support' | 'gave-up';

/** A problem in the form of the API's, also where it was the browser that found it. */
export interface Failure extends Partial<Omit<Problem, 'code'>> {
  code: FailureCode;
}

/** What the API client throws: always with a code, so that nobody parses texts. */
export class ApiProblem extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.title ?? failure.code, options);
    this.name = 'ApiProblem';
    this.failure = failure;
  }
}

/** Any thrown value as a failure. */
export function failureOf(error: unknown): Failure {
  return error instanceof ApiProblem ? error.failure : { code: 'strange-answer' };
}

/** True when the same request may succeed later without anybody changing anything. */
export function isTemporary(failure: Failure): boolean {
  if (failure.code === 'offline' || failure.code === 'rate-limited') return true;
  return (failure.status ?? 0) >= 500;
}

export function offlineProblem(): Failure {
  return { code: 'offline' };
}

export function strangeAnswerProblem(status: number): Failure {
  return { code: 'strange-answer', status };
}
