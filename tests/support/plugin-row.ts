import { EditedHeaders } from '../../core/domain/edited-headers.ts';
import type { Address } from '../../core/domain/envelope.ts';
import { HeaderBlock } from '../../core/domain/header-block.ts';
import { type Identity, networkIdentity } from '../../core/domain/identity.ts';
import { parseMailbox } from '../../core/domain/mailbox.ts';
import type { SessionNotes, TransactionNotes } from '../../core/domain/notes.ts';
import { replyLine } from '../../core/domain/reply.ts';
import { createLog } from '../../core/observability/log.ts';
import type { HookParams, TransactionOutcome } from '../../core/pipeline/hooks.ts';
import type { GateName, Pipeline, RefusedBy } from '../../core/pipeline/pipeline.ts';
import type { Plugin } from '../../core/pipeline/plugin.ts';
import { createPipelines } from '../../core/pipeline/registry.ts';
import type { Message, Session, Transaction } from '../../core/pipeline/session.ts';
import { createTrace } from '../../core/pipeline/trace.ts';

export interface PluginRow extends AsyncDisposable {
  /** A client from this address; `listed` is the name of the trusted network it lies in. */
  client(address: string, trustedNetwork?: string): Client;
  close(): Promise<void>;
}

/**
 * Real plugins in a real pipeline, driven as the SMTP front end drives them, without sockets. Each is given with its
 * configuration as a file would have it; the ids are their names.
 */
export async function startPluginRow(
  row: readonly { plugin: Plugin; config?: Record<string, unknown> }[],
  services: ReadonlyMap<symbol, unknown>,
): Promise<PluginRow> {
  const pipelines = await createPipelines({
    entries: row.map(({ plugin, config = {} }) => ({
      use: plugin.name,
      enabled: true,
      timeout: 10_000,
      before: [],
      after: [],
      priority: 0,
      may_grant: false,
      config,
    })),
    role: 'smtp',
    services,
    log: createLog({ level: 'silent' }),
    load: async (use) => {
      const found = row.find(({ plugin }) => plugin.name === use);
      if (found === undefined) throw new Error(`no plugin ${use}`);
      return found.plugin;
    },
    listeners: ['relay'],
  });
  const close = () => pipelines.close();
  return {
    client: (address, trustedNetwork) => new Client(pipelines.current('relay'), address, trustedNetwork ?? null),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const addressOf = (text: string): Address => {
  const found = parseMailbox(text);
  if ('fault' in found) throw new Error(`${text}: ${found.text}`);
  return found;
};

let numbers = 0;

/** One connection. Steps answer `null` where the plugins let it go on, else the line of the refusal. */
export class Client {
  readonly session: Session & { identity: Identity | null };
  transaction: Transaction | null = null;
  /** The verdict behind the last refusal: `reject`, `defer` or `disconnect`. */
  verdict: RefusedBy['do'] | null = null;
  readonly #pipeline: Pipeline;
  readonly #trace = createTrace();

  constructor(pipeline: Pipeline, address: string, trustedNetwork: string | null) {
    this.#pipeline = pipeline;
    numbers += 1;
    this.session = {
      id: `session-${numbers}`,
      listener: 'relay',
      remote: { address, port: 40_000 },
      local: { address: '127.0.0.1', port: 2_525 },
      startedAt: 0,
      tls: null,
      hello: null,
      identity: null,
      trustedNetwork,
      notes: {} as SessionNotes,
    };
  }

  connect(): Promise<string | null> {
    return this.#gate('connect', { session: this.session });
  }

  hello(name = 'client.test'): Promise<string | null> {
    return this.#gate('helo', { session: this.session, verb: 'EHLO', name });
  }

  async login(username: string, password: string): Promise<string | null> {
    const credentials = { mechanism: 'PLAIN', username, password };
    const answer = await this.#pipeline.first('auth', { session: this.session, credentials }, { trace: this.#trace });
    if (answer?.do !== 'accept') return answer === undefined ? 'nobody answered' : this.#refusal(answer);
    this.session.identity = answer.value;
    return null;
  }

  /** `null` is the null sender. */
  mail(sender: string | null): Promise<string | null> {
    numbers += 1;
    const { trustedNetwork, identity } = this.session;
    const transaction = {
      id: `transaction-${numbers}`,
      session: this.session,
      pipelineVersion: 1,
      identity: identity ?? (trustedNetwork === null ? null : networkIdentity(trustedNetwork)),
      sender: sender === null ? null : addressOf(sender),
      parameters: {},
      recipients: [],
      notes: {} as TransactionNotes,
      reservations: [],
      trace: this.#trace,
    };
    this.transaction = transaction;
    return this.#gate('mailFrom', { ...this.#open(), sender: transaction.sender, parameters: {} });
  }

  async rcpt(recipient: string): Promise<string | null> {
    const address = addressOf(recipient);
    const open = this.#open();
    const refusal = await this.#gate('rcptTo', { ...open, recipient: address, parameters: {} });
    if (refusal === null) open.transaction.recipients.push({ address, parameters: {} });
    return refusal;
  }

  data(): Promise<string | null> {
    return this.#gate('data', this.#open());
  }

  /** The message consists of these header lines and no body. */
  message(...header: string[]): Promise<string | null> {
    const bytes = Buffer.from(`${header.join('\r\n')}\r\n\r\n`);
    const message: Message = {
      id: this.#open().transaction.id,
      size: bytes.length,
      headers: new EditedHeaders(new HeaderBlock(bytes)),
      async *open() {
        yield bytes;
      },
      replaceBody: () => Promise.reject(new Error('no body')),
    };
    return this.#gate('message', { ...this.#open(), message });
  }

  async command(verb: string): Promise<string | null> {
    const params = {
      session: this.session,
      transaction: this.transaction,
      command: { verb, argument: '', line: verb },
    };
    const answer = await this.#pipeline.first('command', params, { trace: this.#trace });
    return answer === undefined || answer.do === 'accept' ? null : this.#refusal(answer);
  }

  /** Ends the transaction; `code` is that of the reply which the client saw last. */
  end(outcome: TransactionOutcome, code?: number): void {
    const reply = code === undefined ? null : { code, enhanced: null, text: '' };
    this.#pipeline.tell('transactionEnd', { ...this.#open(), outcome, reply }, { trace: this.#trace });
    this.transaction = null;
  }

  disconnect(): void {
    this.#pipeline.tell('disconnect', { session: this.session }, { trace: this.#trace });
  }

  #open() {
    if (this.transaction === null) throw new Error('no MAIL');
    const transaction = this.transaction as Transaction & { recipients: Transaction['recipients'][number][] };
    return { session: this.session, transaction };
  }

  async #gate<K extends GateName>(hook: K, params: HookParams<K>): Promise<string | null> {
    const { refused } = await this.#pipeline.gate(hook, params, { trace: this.#trace });
    return refused === undefined ? null : this.#refusal(refused);
  }

  #refusal(refused: RefusedBy): string {
    this.verdict = refused.do;
    return replyLine(refused.reply);
  }
}
