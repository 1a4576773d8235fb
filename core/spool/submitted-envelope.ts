import type { MailParameters, Recipient } from '../domain/envelope.ts';
import { SluiceError } from '../domain/errors.ts';
import type { AddressPolicy } from '../domain/mailbox.ts';
import { parseMailCommand, parseRcptCommand } from '../domain/path.ts';
import { type Reply, replyLine } from '../domain/reply.ts';
import type { Submission, SubmittedRecipient } from '../storage/ports/send.ts';

export interface SubmittedEnvelope {
  readonly sender: string;
  readonly recipients: readonly Recipient[];
  readonly parameters: MailParameters;
}

export interface EnvelopeRules {
  readonly addresses: AddressPolicy;
  /** Most recipients of one message. */
  readonly mostRecipients: number;
}

const refused = (what: string): SluiceError => new SluiceError('MAIL_REFUSED', what);
const unfit = (address: string, why: Reply): SluiceError =>
  refused(`The address ${JSON.stringify(address)} cannot be used: ${replyLine(why)}`);
const notAlone = (address: string): SluiceError =>
  refused(`${JSON.stringify(address)} is more than an address: give it without name and angle brackets`);

/** By the same rules that MAIL and RCPT have; SMTPUTF8 is asked for where an address needs it. Throws `MAIL_REFUSED`. */
export function submittedEnvelope(submission: Submission, rules: EnvelopeRules): SubmittedEnvelope {
  const { addresses, mostRecipients } = rules;
  const count = submission.recipients.length;
  if (count === 0) throw refused('The message has no recipient');
  if (count > mostRecipients) throw refused(`The message has ${count} recipients; ${mostRecipients} are allowed`);
  const recipients = submission.recipients.map((one) => recipient(one, addresses));
  const { address, parameters } = sender(submission, addresses);
  const utf8 = [address, ...recipients.map((each) => each.address)].some((each) => each?.needsSmtpUtf8 === true);
  return {
    sender: address?.text ?? '',
    recipients,
    parameters: utf8 ? { ...parameters, smtputf8: true } : parameters,
  };
}

function sender({ sender: given, parameters = {} }: Submission, addresses: AddressPolicy) {
  if (given === null || given === '') return { address: null, parameters };
  const parsed = parseMailCommand(`FROM:<${given}> SMTPUTF8`, { addresses });
  if ('code' in parsed) throw unfit(given, parsed);
  if (parsed.address?.text !== given) throw notAlone(given);
  return { address: parsed.address, parameters };
}

function recipient(given: SubmittedRecipient, addresses: AddressPolicy): Recipient {
  const { address: text, parameters = {} } = typeof given === 'string' ? { address: given } : given;
  const parsed = parseRcptCommand(`TO:<${text}>`, { addresses, smtputf8: true });
  if ('code' in parsed) throw unfit(text, parsed);
  if (parsed.address.text !== text) throw notAlone(text);
  return { address: parsed.address, parameters };
}
