import type { MailLog } from '../ports/mail-log.ts';
import type { ReaderClient } from './reader-client.ts';

/** The log, the queue and the sums, all from the reader thread. */
export const sqliteMailLog = (reader: ReaderClient): MailLog => ({
  list: (filter, options) => reader.call('list', filter, options),
  get: (id) => reader.call('get', id),
  attempts: (messageId) => reader.call('attempts', messageId),
  queue: (options) => reader.call('queue', options),
  queueMatches: (filter, options) => reader.call('queueMatches', filter, options),
  queueState: () => reader.call('queueState'),
  statistics: (filter) => reader.call('statistics', filter),
  conservation: () => reader.call('conservation'),
  readChunk: (id, n) => reader.call('readChunk', id, n),
  acceptedBetween: (owner, from, until) => reader.call('acceptedBetween', owner, from, until),
});
