import { SluiceError } from '../../core/domain/errors.ts';
import type { MessageRecord } from '../../core/domain/message.ts';
import { messageFromRecord } from '../../core/spool/message-from-record.ts';
import type { MailLog } from '../../core/storage/ports/mail-log.ts';
import { maySee } from '../auth/visibility.ts';
import { bind, defineRoute } from '../route.ts';
import { idParams } from './fields.ts';

export const getRawMessage = defineRoute({
  id: 'getRawMessage',
  method: 'GET',
  path: '/api/mail-logs/{id}/raw',
  tag: 'mail-logs',
  summary: 'A message as it is relayed, header and body',
  description:
    'Octets with CRLF line ends (RFC 5322), header edits applied. Kept until every recipient is final; what went into ' +
    'the capture box is kept for `retention.captured`.',
  security: 'user',
  scope: 'mail:read',
  params: idParams,
  answers: { 200: { description: 'The message', mediaTypes: ['message/rfc822'] } },
  errors: ['NOT_FOUND'],
});

export const rawMessageRoutes = [getRawMessage];

/** The octets of a message as a file to be saved. Throws `NOT_FOUND` once they are kept no longer. */
export async function rawMessage(mailLog: MailLog, record: MessageRecord) {
  const first = await mailLog.readChunk(record.id, 0);
  if (first === null) throw new SluiceError('NOT_FOUND', 'the text of this message is kept no longer');
  const read = (piece: string, n: number) => (n === 0 ? Promise.resolve(first) : mailLog.readChunk(piece, n));
  const message = await messageFromRecord(record, null, read);
  // Somebody else wrote it: a browser must save it, never show it as a page of ours.
  return { body: message.open(), headers: { 'Content-Disposition': `attachment; filename="${record.id}.eml"` } };
}

export function bindRawMessages({ mailLog }: { mailLog: MailLog }) {
  return [
    bind(getRawMessage)(async ({ caller, params: { id } }) => {
      const entry = await mailLog.get(id);
      if (entry === null || entry.kind !== 'message' || !maySee(caller, entry.record.ownerId)) {
        throw new SluiceError('NOT_FOUND', 'there is no such message; it may have been purged');
      }
      return { status: 200, ...(await rawMessage(mailLog, entry.record)) };
    }),
  ];
}
