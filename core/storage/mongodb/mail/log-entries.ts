import type { RefusalRecord } from '../../../domain/message.ts';
import type { LogEntry } from '../../ports/mail-log.ts';
import { recordOf } from './held-messages.ts';
import type { RecordDocument } from './records.ts';

/** What the log shows of a document. */
export function logEntry(document: RecordDocument): LogEntry {
  if (document.kind === 'message') {
    return { kind: 'message', record: recordOf(document), leased: document.lease !== undefined };
  }
  const record: RefusalRecord = JSON.parse(document.record);
  return { kind: 'refusal', record };
}

/** Leaves out what only the adapter needs. */
export const shown = { terms: 0, events: 0, generated: 0, outbox: 0, settled: 0 } as const;

interface Cursor {
  readonly at: number;
  readonly id: string;
}

/** A place in an order by a number, then by id: `<number>.<id>`. */
export const cursorOf = (at: number, id: string): string => `${at}.${id}`;

/** Null where there is none, or it is not one of ours. */
export function parseCursor(text: string | undefined): Cursor | null {
  const dot = text?.indexOf('.') ?? -1;
  if (text === undefined || dot < 0) return null;
  const at = Number(text.slice(0, dot));
  return Number.isFinite(at) ? { at, id: text.slice(dot + 1) } : null;
}

/** What comes after a cursor in an order by `field`, then by id. */
export function beyond(field: string, cursor: Cursor | null, direction: 1 | -1): object {
  if (cursor === null) return {};
  const compare = direction === 1 ? '$gt' : '$lt';
  return {
    $or: [{ [field]: { [compare]: cursor.at } }, { [field]: cursor.at, _id: { [compare]: cursor.id } }],
  };
}
