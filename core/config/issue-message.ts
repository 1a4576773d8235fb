import type { z } from 'zod';
import { expectation, finding } from './expectation.ts';
import { suggestion } from './nearest-name.ts';
import { propertiesOf, type SchemaNode } from './schema-node.ts';

export interface Complaint {
  /** Appended to the path of the issue. */
  readonly key?: string;
  readonly message: string;
}

const zodsOwn = /^(?:Invalid|Too|Unrecognized)\b/;

/** Words for what zod found wrong: what is there, what was expected. `node` is the schema of the place. */
export function complaints(issue: z.core.$ZodIssue, node: SchemaNode | undefined): Complaint[] {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(propertiesOf(node ?? {}));
    return issue.keys.map((key) => ({ key, message: `is no setting${suggestion(key, known)}` }));
  }
  const expected = node === undefined ? undefined : expectation(node);
  if (issue.input === undefined && issue.code === 'invalid_type') {
    return [{ message: `is missing; expected ${expected ?? issue.expected}` }];
  }
  const found = finding(issue.input, node?.secret === true);
  if (!zodsOwn.test(issue.message)) return [{ message: `${issue.message}, found ${found}` }];
  return [
    { message: expected === undefined ? `${issue.message}, found ${found}` : `expected ${expected}, found ${found}` },
  ];
}
