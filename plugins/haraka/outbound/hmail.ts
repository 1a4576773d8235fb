import { EventEmitter } from 'node:events';
import type { MessageRecord } from '../../../core/domain/message.ts';
import type { HarakasLog, LogMethod } from '../host/harakas-log.ts';
import type { Libraries } from '../libraries.ts';
import type { EnvelopeAddress, Notes, ResultStore } from '../session/types.ts';
import { envelopeAddress } from './envelope-address.ts';

/** A recipient as Haraka's outbound hands it to hooks: an address that tells what was said of it. */
export type OutboundRecipient = EnvelopeAddress & {
  dsn_action?: 'delayed' | 'failed';
  dsn_code?: number;
  dsn_msg?: string;
  dsn_status?: string;
  dsn_smtp_code?: string;
  dsn_smtp_extc?: string;
  dsn_smtp_response?: string;
  dsn_remote_mta?: string;
  reason?: string;
};

/** What is to be sent: the recipients of one domain. Names are Haraka's. */
export interface Todo {
  readonly queue_time: number;
  readonly domain: string;
  rcpt_to: OutboundRecipient[];
  readonly mail_from: EnvelopeAddress;
  readonly notes: Notes;
  readonly uuid: string;
  readonly force_tls: false;
}

const haraka = 'haraka';

/**
 * A queued mail as hooks of Haraka's outbound know it: one for each domain among the recipients that are due. Its notes
 * are those of the transaction as they were stored; what is changed here lasts until this delivery is settled.
 */
export class HMail extends EventEmitter {
  declare readonly logdebug: LogMethod;
  declare readonly loginfo: LogMethod;
  declare readonly lognotice: LogMethod;
  declare readonly logwarn: LogMethod;
  declare readonly logerror: LogMethod;
  declare readonly logcrit: LogMethod;
  readonly name = 'outbound';
  readonly todo: Todo;
  readonly notes: Notes;
  readonly results: ResultStore;
  /** The queue id: there is no file. */
  readonly filename: string;
  readonly file_size: number;
  readonly next_process: number;
  num_failures: number;
  bounce_error: Error | null = null;
  hook: string | null = null;
  readonly #log: HarakasLog;
  readonly #libraries: Libraries;

  constructor(todo: Todo, record: MessageRecord, failures: number, log: HarakasLog, libraries: Libraries) {
    super();
    this.todo = todo;
    this.notes = todo.notes;
    this.filename = record.id;
    this.file_size = record.size;
    this.next_process = record.nextAt ?? 0;
    this.num_failures = failures;
    this.#log = log;
    this.#libraries = libraries;
    log.addTo(this);
    this.results = new libraries.ResultStore(this);
  }

  get domain(): string {
    return this.todo.domain;
  }

  /** This mail for some of its recipients, as Haraka splits what failed in part; itself where it is all of them. */
  for(recipients: readonly OutboundRecipient[], record: MessageRecord): HMail {
    if (recipients.length === this.todo.rcpt_to.length) return this;
    const todo = { ...this.todo, rcpt_to: [...recipients] };
    return new HMail(todo, record, this.num_failures, this.#log, this.#libraries);
  }
}

/** The mail of one domain of a record, still without recipients. */
export function hmailOf(
  record: MessageRecord,
  { domain, number }: { readonly domain: string; readonly number: number },
  log: HarakasLog,
  libraries: Libraries,
): HMail {
  const stored = record.notes[haraka];
  const todo: Todo = {
    queue_time: record.acceptedAt,
    domain,
    rcpt_to: [],
    mail_from: envelopeAddress(record.sender, libraries),
    notes: new libraries.Notes(typeof stored === 'object' && stored !== null ? stored : {}),
    uuid: `${record.id}.${number}`,
    force_tls: false,
  };
  return new HMail(todo, record, 0, log, libraries);
}
