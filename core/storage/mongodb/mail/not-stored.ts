import { SluiceError } from '../../../domain/errors.ts';
import type { InsertAnswer } from './durable-inserts.ts';

/** What the caller of an insert is told that did not come to pass, or of which it is not known. */
export function notStored(id: string, { outcome, error }: InsertAnswer): SluiceError {
  if (error !== undefined) return error;
  return outcome === 'conflict'
    ? new SluiceError('CONFLICT', `message ${id} is stored already, or was given up`)
    : new SluiceError('STORE_UNAVAILABLE', 'The database did not answer in time; see its log and that of Sluice');
}
