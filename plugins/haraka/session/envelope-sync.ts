import { parseMailbox } from '../../../core/domain/mailbox.ts';
import type { Address, Recipient, Transaction } from '../../../core/pipeline/plugin.ts';
import type { SessionControl } from '../../../core/pipeline/session-control.ts';
import type { Connection } from './haraka-connection.ts';
import type { HarakaTransaction } from './haraka-transaction.ts';
import type { EnvelopeAddress } from './types.ts';

/** The RCPT under way, and what `rcpt_to` was before it: core may still refuse what the bridge let pass. */
interface Asked {
  before: EnvelopeAddress[];
  asked: Address | null;
  /** Its hooks have not answered yet. */
  underWay: boolean;
}

const asked = new WeakMap<HarakaTransaction, Asked>();

export function recipientsOf(mail: HarakaTransaction): Asked {
  let found = asked.get(mail);
  if (found === undefined) {
    found = { before: [], asked: null, underWay: false };
    asked.set(mail, found);
  }
  return found;
}

/** Takes the last recipient out of `rcpt_to` again where somebody behind the bridge refused it, core as a rule. */
export function dropRefused(
  connection: Connection,
  mail: HarakaTransaction,
  transaction: Transaction,
  current: Address | null = null,
): void {
  const known = recipientsOf(mail);
  const { asked } = known;
  if (asked === null || asked === current || known.underWay) return;
  known.asked = null;
  if (transaction.recipients.some(({ address }) => address === asked)) return;
  mail.rcpt_to = known.before;
  countRecipient(connection, mail, asked.text, 'reject', {
    msg: `I cannot deliver mail for <${asked.text}>`,
    code: 'CONT',
  });
}

/** Counts a recipient, and notes what became of it. */
export function countRecipient(
  connection: Connection,
  mail: HarakaTransaction,
  address: string,
  action: 'accept' | 'tempfail' | 'reject',
  words: object = {},
): void {
  mail.rcpt_count[action] += 1;
  connection.rcpt_count[action] += 1;
  mail.results.push({ name: 'rcpt_to' }, { recipient: { address, action, ...words } });
}

/** Counts a message that plugins refused once the client had sent it. */
export function noteRefusal(connection: Connection, mail: HarakaTransaction, soft: boolean): void {
  connection.msg_count[soft ? 'tempfail' : 'reject'] += 1;
  mail.msg_status = soft ? 'deferred' : 'rejected';
}

/** Carries over what plugins did to the envelope: a new sender, other or further recipients, fewer of them. */
export function amendEnvelope(mail: HarakaTransaction, transaction: Transaction, control: SessionControl | null): void {
  if (control === null) return;
  const sender = mail.mail_from?.address ?? '';
  if (sender !== (transaction.sender?.text ?? '')) control.amend(transaction, { sender: addressOf(sender) });
  const wanted = mail.rcpt_to.map((address) => address.address);
  const present = transaction.recipients.map(({ address }) => address.text);
  if (wanted.length === present.length && wanted.every((text, index) => text === present[index])) return;
  const recipients = wanted.flatMap((text): Recipient[] => {
    const kept = transaction.recipients.find(({ address }) => address.text === text);
    const made = kept === undefined ? addressOf(text) : null;
    if (kept !== undefined) return [kept];
    return made === null ? [] : [{ address: made, parameters: {} }];
  });
  control.amend(transaction, { recipients });
}

/** Null for the null reverse-path. Throws where a plugin made up something that is no address. */
function addressOf(text: string): Address | null {
  if (text === '') return null;
  const parsed = parseMailbox(text);
  if ('fault' in parsed)
    throw new Error(`a Haraka plugin put ${JSON.stringify(text)} into the envelope: ${parsed.text}`);
  return parsed;
}
