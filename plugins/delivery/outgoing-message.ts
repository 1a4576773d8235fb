import { isAscii } from '../../core/domain/domain-name.ts';
import type { MessageRecord } from '../../core/domain/message.ts';
import type { Message } from '../../core/pipeline/session.ts';
import type { EnvelopeNeeds } from './envelope-commands.ts';
import type { WireBody } from './transaction.ts';
import { type Flaw, wireForm } from './wire-encoder.ts';

/** Messages up to this size are made ready in memory and sent in one write, in octets. */
const wholeLimit = 256 * 1024;

export interface OutgoingMessage {
  readonly body: WireBody;
  readonly needs: EnvelopeNeeds;
}

/** Reads and encodes a message, whole if it is small; `flaw` where it holds what must not be passed on. */
export async function outgoingMessage(
  record: MessageRecord,
  message: Message,
): Promise<OutgoingMessage | { readonly flaw: Flaw }> {
  const declared = record.parameters.body === '8BITMIME';
  const utf8Headers = record.parameters.smtputf8 === true && hasUtf8Headers(message);
  if (record.size > wholeLimit) {
    const body: WireBody = { kind: 'pieces', open: () => message.open() };
    return { body, needs: { size: record.size + editedOctets(record), eightBit: declared, utf8Headers } };
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of message.open()) pieces.push(piece);
  const wire = wireForm(pieces);
  if ('flaw' in wire) return wire;
  const size = wire.octets.length;
  const body: WireBody = { kind: 'whole', octets: wire.octets };
  return { body, needs: { size, eightBit: declared || wire.eightBit, utf8Headers } };
}

const hasUtf8Headers = (message: Message): boolean => message.headers.fields().some((field) => !isAscii(field.value));

/** What the header edits add, about: SIZE is an estimate (RFC 1870 §6.1). */
function editedOctets(record: MessageRecord): number {
  let octets = 0;
  for (const edit of record.headerEdits) if ('value' in edit) octets += edit.name.length + edit.value.length + 4;
  return octets;
}
