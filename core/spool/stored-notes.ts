import type { TransactionNotes } from '../domain/notes.ts';

const isPlain = (value: unknown): boolean =>
  value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);

/**
 * A transaction's notes as JSON has them at this moment, key by key: a value with `toJSON` is what that answers, functions
 * are dropped. A note that JSON cannot hold (one that holds itself, a BigInt) is left out, and `complain` told which: mail
 * must not be lost over it.
 */
export function storedNotes(notes: TransactionNotes, complain: (problem: Error) => void): Record<string, unknown> {
  const stored: [string, unknown][] = [];
  for (const [key, value] of Object.entries(notes) as [string, unknown][]) {
    if (isPlain(value)) {
      stored.push([key, value]);
      continue;
    }
    try {
      const json: string | undefined = JSON.stringify(value);
      if (json !== undefined) stored.push([key, JSON.parse(json)]);
    } catch (cause) {
      const reason = cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '') : String(cause);
      complain(new TypeError(`The note ${key} cannot be stored as JSON: ${reason}`, { cause }));
    }
  }
  return Object.fromEntries(stored);
}
