import type { ZodError } from 'zod';
import { z } from 'zod';
import { catalogue, type ErrorCode, type Problem, SluiceError } from '../core/domain/errors.ts';
import { component } from './components.ts';

const codes = Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]];

/** The body of every error answer: problem details of RFC 9457 with the catalogue's stable code. */
export const problemSchema = component(
  'Problem',
  z.strictObject({
    type: z.string().describe('`urn:sluice:problem:` and the code'),
    title: z.string().describe('The same for every error of this code'),
    status: z.int().min(400).max(599),
    code: z.enum(codes).describe('Stable; what scripts should look at'),
    detail: z.string().describe('What happened, and what to do'),
    instance: z.string().describe('`urn:uuid:` and the request id'),
    request_id: z.uuid().describe('Stands in the log beside the cause'),
    problems: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .describe('Every place of the request that is wrong, such as `body.daily_quota`'),
  }),
);
export type ProblemDetails = z.infer<typeof problemSchema>;

export const problemType = 'application/problem+json';

const withoutPlace = ({ path, message }: Problem) => ({ path, message });

/**
 * Error as the client may see it. Texts of the catalogue's errors are written for people; of anything else, and of
 * what went wrong inside, only the title is told.
 */
export function toProblem(error: unknown, requestId: string): ProblemDetails {
  const known = error instanceof SluiceError ? error : new SluiceError('INTERNAL', '');
  const { title, http: status } = catalogue[known.code];
  const advice = status === 500 ? 'the log has the cause under this request id' : 'try again in a moment';
  return {
    type: `urn:sluice:problem:${known.code}`,
    title,
    status,
    code: known.code,
    detail: status >= 500 ? `${title}; ${advice}` : known.message,
    instance: `urn:uuid:${requestId}`,
    request_id: requestId,
    problems: known.problems.map(withoutPlace),
  };
}

/** What zod found wrong in `where` (`params`, `query`, `body`), as problems with paths. */
export function problemsOf(error: ZodError, where: string): Problem[] {
  return error.issues.flatMap((issue) => {
    const path = [where, ...issue.path.map(String)];
    if (issue.code !== 'unrecognized_keys') return [{ path: path.join('.'), message: issue.message }];
    return issue.keys.map((key) => ({ path: [...path, key].join('.').slice(0, 200), message: 'unknown field' }));
  });
}
