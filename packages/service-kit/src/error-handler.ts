import { buildProblem, type Problem, type ProblemCode } from '@lodestream/shared';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from './problem-error.ts';

const DEFAULT_RETRY_AFTER_SECONDS = 2;

/** fastify's own errors that a client causes; anything else that is not ours is `internal`. */
const FASTIFY_CODES: Record<string, ProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_REQ_FILE_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-request',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid-request',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid-request',
  FST_ERR_VALIDATION: 'invalid-request',
};

/** The one place where errors become HTTP. 4xx say what is wrong, 5xx never leak text. */
export function installErrorHandler(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem(error);
    // A client that went away is no fault of ours, and nobody reads the answer.
    if (problem.code === 'internal' && !reply.raw.destroyed) request.log.error({ err: error }, 'request failed');
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((_request: FastifyRequest, reply) => sendProblem(reply, buildProblem('not-found')));
}

/** Sends a problem document; 503 carries `Retry-After` (RFC 9110 §10.2.3). */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 503) reply.header('retry-after', problem.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS);
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .header('cache-control', 'no-store')
    .send(JSON.stringify(problem));
}

function toProblem(error: FastifyError): Problem {
  if (error instanceof ProblemError) return error.problem;
  const code = FASTIFY_CODES[error.code];
  if (code) return buildProblem(code, error.validation ? { detail: error.message } : {});
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) return buildProblem('invalid-request');
  return buildProblem('internal');
}
