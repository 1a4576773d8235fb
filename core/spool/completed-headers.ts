import type { EditedHeaders } from '../domain/edited-headers.ts';
import { headerDate } from '../domain/header-date.ts';

/** Longest Subject and Message-ID that the record keeps: a line of RFC 5322 §2.1.1. */
const longestKept = 998;

/** A field's value as the record keeps it. */
export const kept = (text: string | undefined): string | null =>
  text === undefined ? null : text.slice(0, longestKept);

/** RFC 6409 §8.1, §8.2: a submission server adds the Date and Message-ID that were left out. */
export function completeHeaders(headers: EditedHeaders, id: string, hostname: string, now: number): void {
  if (headers.get('date') === undefined) headers.append('Date', headerDate(now));
  if (headers.get('message-id') === undefined) headers.append('Message-ID', `<${id}@${hostname}>`);
}
