import { buildProblem, type Problem, type ProblemCode, type ProblemDetails } from '@lodestream/shared';

/** The one error class: a code of the shared table, details that may leave the server, and a cause that may not. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(code: ProblemCode, details: ProblemDetails = {}, options?: { cause?: unknown }) {
    super(details.detail ?? code, options);
    this.problem = buildProblem(code, details);
  }

  get code(): ProblemCode {
    return this.problem.code;
  }
}
