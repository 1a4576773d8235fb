import { SluiceError } from '../core/domain/errors.ts';
import type { PlainError } from './relay-protocol.ts';

/** Structured cloning would make a plain `Error` of a `SluiceError`, and its code would be gone. */
export function toPlainError(error: unknown): PlainError {
  if (error instanceof SluiceError) return { code: error.code, message: error.message, problems: error.problems };
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error), problems: [] };
}

export const fromPlainError = ({ code, message, problems }: PlainError): SluiceError =>
  new SluiceError(code, message, { problems });
