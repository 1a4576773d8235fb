import type { HarakaFiles } from 'haraka-config';
import { SluiceError } from '../../../core/domain/errors.ts';
import type { Identity } from '../../../core/pipeline/plugin.ts';
import type { Send } from '../../../core/storage/ports/send.ts';
import type { HookRunner } from '../hook-runner.ts';
import type { HarakasLog } from '../host/harakas-log.ts';
import type { Libraries } from '../libraries.ts';
import { HarakaTransaction, type MessageLimits } from '../session/haraka-transaction.ts';
import { jsonNotes } from '../session/json-notes.ts';
import type { EnvelopeAddress } from '../session/types.ts';
import { type Contents, readContents } from './contents.ts';
import { addressText, isEnvelopeAddress } from './envelope-address.ts';
import { outboundSettings } from './outbound-settings.ts';
import { completeHeader } from './outgoing-header.ts';
import { queueFacade } from './queue-facade.ts';
import { handOver } from './queueing.ts';

export interface OutboundParts {
  readonly libraries: Libraries;
  /** The hooks of all live bridges, in their order: Haraka has one list. */
  readonly runners: () => Iterable<Pick<HookRunner, 'has' | 'run'>>;
  readonly files: HarakaFiles;
  readonly send: Send;
  /** Whom mail belongs to that no client's transaction stands behind. */
  readonly identity: Identity;
  readonly harakasLog: HarakasLog;
  readonly limits: MessageLimits;
  /** Right-hand side of Message-IDs. */
  readonly hostname: string;
}

type Next = (code: number, message?: unknown) => void;

/** Options of `send_email`; names are Haraka's. */
export interface SendOptions {
  readonly dot_stuffed?: boolean;
  readonly notes?: object | null;
  readonly remove_msgid?: boolean;
  readonly remove_date?: boolean;
  readonly origin?: object;
}

interface Answer {
  readonly code: number;
  readonly message: unknown;
}

/** Haraka's `outbound`, as plugins get it by `require('./outbound')`; mail goes into Sluice's queue. */
export type OutboundFacade = ReturnType<typeof createOutbound>;

/** Makes the one of a process. Callbacks are called once, with Haraka's codes. */
export function createOutbound(parts: OutboundParts) {
  const { libraries, harakasLog, files } = parts;
  const { constants } = libraries;
  let underWay = 0;
  const queue = queueFacade(() => underWay);

  /** Counts what is being handed over, and lets an error in the plugin's callback be no error of the mail. */
  const answerTo = (next: Next | undefined, work: Promise<Answer>): void => {
    underWay += 1;
    const told = work.catch((error: unknown) => failure(error, constants));
    void told
      .then(({ code, message }) => {
        underWay -= 1;
        next?.(code, message);
      })
      .catch((error: unknown) => harakasLog.write('ERROR', ['the callback of a mail failed: ', error], 'outbound'));
  };

  return {
    ...queue,
    queue,
    name: 'outbound',
    net_utils: libraries.network,
    config: files,
    /** Sends a mail that a plugin wrote: OK once it is stored, DENY where it cannot be sent, DENYSOFT else. */
    send_email(from: unknown, to: unknown, contents: Contents, next?: Next, options: SendOptions = {}): void {
      harakasLog.write('INFO', ['Sending email via params'], originOf(options));
      const { sender, recipients, problem } = envelope(from, to, libraries);
      if (problem !== null) {
        next?.(constants.deny, problem);
        return;
      }
      answerTo(next, sendWritten(parts, { sender, recipients, contents, options }));
    },
    /** Sends a transaction: the one being queued by being queued, any other as a new mail. */
    send_trans_email(transaction: HarakaTransaction, next?: Next): void {
      answerTo(next, sendTransaction(parts, transaction));
    },
  };
}

const originOf = ({ origin }: SendOptions): string =>
  origin !== undefined && 'name' in origin && typeof origin.name === 'string' ? origin.name : 'outbound';

/** As Haraka reads them: an address, or its text with or without brackets. */
function envelope(from: unknown, to: unknown, { Address }: Libraries) {
  const read = (value: unknown): EnvelopeAddress => (isEnvelopeAddress(value) ? value : new Address(String(value)));
  const none = { sender: new Address('<>'), recipients: [] };
  let sender: EnvelopeAddress;
  try {
    sender = read(from);
  } catch (error) {
    return { ...none, problem: `Malformed from: ${error}` };
  }
  const recipients: EnvelopeAddress[] = [];
  for (const one of Array.isArray(to) ? to : [to]) {
    try {
      recipients.push(read(one));
    } catch (error) {
      return { ...none, problem: `Malformed to address (${one}): ${error}` };
    }
  }
  return { sender, recipients, problem: recipients.length === 0 ? 'No recipients for email' : null };
}

/** What a plugin is told of a failure: our own catalogue says whether it is worth trying again. */
function failure(error: unknown, constants: Libraries['constants']): Answer {
  const final = error instanceof SluiceError && (error.code === 'MAIL_REFUSED' || error.code === 'REQUEST_TOO_LARGE');
  return { code: final ? constants.deny : constants.denysoft, message: error };
}

interface WrittenMail {
  readonly sender: EnvelopeAddress;
  readonly recipients: EnvelopeAddress[];
  readonly contents: Contents;
  readonly options: SendOptions;
}

async function sendWritten(parts: OutboundParts, written: WrittenMail): Promise<Answer> {
  const { libraries, harakasLog, limits } = parts;
  const { sender, recipients, contents, options } = written;
  const connection = harakasLog.addTo({ name: 'outbound' }, 'outbound');
  const mail = new HarakaTransaction(libraries.utilities.uuid(), null, connection, libraries, limits);
  if (options.notes) mail.notes = new libraries.Notes(options.notes);
  mail.mail_from = sender;
  mail.rcpt_to = recipients;
  try {
    await readContents(mail, contents, options.dot_stuffed === true);
    if (options.remove_msgid) mail.remove_header('Message-Id');
    if (options.remove_date) mail.remove_header('Date');
    return await sendTransaction(parts, mail);
  } finally {
    mail.close();
  }
}

async function sendTransaction(parts: OutboundParts, mail: HarakaTransaction): Promise<Answer> {
  const { libraries, harakasLog, send, identity, files, hostname } = parts;
  const { constants } = libraries;
  completeHeader(mail, libraries, hostname);
  const own = handOver(mail);
  const { receivedHeader } = outboundSettings(files);
  if (!own && receivedHeader !== null) {
    mail.add_leading_header('Received', `(${receivedHeader}); ${libraries.utilities.date_to_str(new Date())}`);
  }
  const target = harakasLog.addTo({ transaction: mail, hook: null }, 'outbound');
  mail.results ??= new libraries.ResultStore(target);
  for (const runner of parts.runners()) {
    if (runner.has('pre_send_trans_email')) await runner.run('pre_send_trans_email', target);
  }
  const queued = { code: constants.ok, message: `Message Queued (${mail.uuid})` };
  if (own) return queued;
  try {
    const { id } = await send.send({
      sender: mail.mail_from === null ? null : addressText(mail.mail_from),
      recipients: mail.rcpt_to.map(addressText),
      content: { [Symbol.asyncIterator]: () => mail.message_stream[Symbol.asyncIterator]() },
      identity: mail.sluice?.identity ?? identity,
      notes: { haraka: jsonNotes(mail.notes) },
    });
    mail.results.add({ name: 'outbound' }, { pass: 'queued' });
    return { ...queued, message: `Message Queued (${id})` };
  } catch (error) {
    mail.results.add({ name: 'outbound' }, { err: error });
    throw error;
  }
}
