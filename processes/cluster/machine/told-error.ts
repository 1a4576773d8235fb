import { type ErrorCode, type Problem, SluiceError } from '../../../core/domain/errors.ts';

/** An error as it goes from process to process: what a person reads, without its cause. */
export interface ToldError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly problems: readonly Problem[];
}

export function toTell(error: unknown): ToldError {
  if (error instanceof SluiceError) return { code: error.code, message: error.message, problems: error.problems };
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error), problems: [] };
}

export const asTold = ({ code, message, problems }: ToldError): SluiceError =>
  new SluiceError(code, message, { problems });
