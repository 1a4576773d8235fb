import { pino } from 'pino';
import { type ConfigInput, configSchema } from '../../core/config/schema.ts';
import { type Clock, systemClock } from '../../core/domain/clock.ts';
import type { Identity } from '../../core/domain/identity.ts';
import type { MessageRecord, RefusalRecord } from '../../core/domain/message.ts';
import { type HookName, type Hooks, hookTable } from '../../core/pipeline/hooks.ts';
import type { Pipeline, PipelineSource } from '../../core/pipeline/pipeline.ts';
import { type BoundHandler, type HandlerTable, HookRunner } from '../../core/pipeline/runner.ts';
import type { SessionControls } from '../../core/pipeline/session-control.ts';
import { accept } from '../../core/pipeline/verdict.ts';
import type { Access } from '../../core/smtp/access.ts';
import { ConnectionControls } from '../../core/smtp/connection-controls.ts';
import { createSmtpFrontEnd, type SmtpFrontEnd } from '../../core/smtp/front-end.ts';
import { MessageIntake } from '../../core/spool/message-intake.ts';
import { createSpool } from '../../core/spool/spool.ts';
import { MemoryCounters } from '../../core/storage/memory/counters.ts';
import type { MessageStore } from '../../core/storage/ports/message-store.ts';
import type { Spool } from '../../core/storage/ports/spool.ts';
import { openSqliteStore, type SqliteStore } from '../../core/storage/sqlite/store.ts';
import { temporaryFolder } from './temporary-folder.ts';

export type TestHandlers = { readonly [K in HookName]?: Hooks[K] };
type SmtpInput = NonNullable<ConfigInput['smtp']>;
export type ListenerInput = Partial<SmtpInput['listeners'][number]>;

export interface FrontEndOptions {
  readonly limits?: SmtpInput['limits'];
  readonly bareNewlines?: 'reject' | 'normalize';
  readonly addresses?: SmtpInput['addresses'];
  readonly listeners?: readonly ListenerInput[];
  /** On top of those that log `user` in with `secret` and queue every message. */
  readonly handlers?: TestHandlers;
  readonly mayGrant?: boolean;
  /** Deadline of each hook call, milliseconds. */
  readonly timeout?: number;
  readonly access?: Partial<Access>;
  readonly store?: Partial<MessageStore>;
  readonly clock?: Clock;
  readonly dataDirectory?: string;
  readonly tls?: SmtpInput['tls'];
}

export const identity: Identity = { ownerId: 'owner-1', credentialId: 'credential-1', username: 'user' };
/** AUTH PLAIN for the login that the standard handlers take. */
export const goodLogin = `AUTH PLAIN ${Buffer.from('\0user\0secret').toString('base64')}`;

/** A front end on free ports, its real spool and a real database. */
export interface RunningFrontEnd extends AsyncDisposable {
  readonly frontEnd: SmtpFrontEnd;
  readonly port: number;
  readonly ports: Readonly<Record<string, number>>;
  readonly spool: Spool;
  readonly sessionControls: SessionControls;
  /** Every log line, parsed. */
  readonly logged: readonly Record<string, unknown>[];
  /** Refusals handed to the store, in order. */
  readonly refusals: readonly RefusalRecord[];
  /** Puts other handlers in force; `changed` is what a session of the former version is asked again. */
  swap(handlers: TestHandlers, changed: TestHandlers | null): void;
}

export interface FrontEndLab extends AsyncDisposable {
  readonly store: SqliteStore;
  readonly folder: string;
  start(options?: FrontEndOptions): Promise<RunningFrontEnd>;
  /** All that was accepted so far, the newest first, with the bodies as stored. */
  accepted(): Promise<{ record: MessageRecord; body: string }[]>;
}

/** One database for a test file; front ends with it as the tests want them. */
export async function openLab(): Promise<FrontEndLab> {
  const folder = await temporaryFolder('smtp');
  const store = await openSqliteStore({
    folder: folder.path,
    log: pino({ level: 'silent' }),
    ambiguousDelay: 600_000,
    freeSpace: 0,
    reserve: 0,
    unwritten: 64 * 1024 ** 2,
    retention: { captured: 1e9, log: 1e9, receiving: 600_000 },
    sweep: 600_000,
  });
  return {
    store,
    folder: folder.path,
    start: (options = {}) => start(store, folder.path, options),
    accepted: () => accepted(store),
    async [Symbol.asyncDispose]() {
      await store.close();
      await folder.remove();
    },
  };
}

async function accepted(store: SqliteStore): Promise<{ record: MessageRecord; body: string }[]> {
  const found: { record: MessageRecord; body: string }[] = [];
  let after: string | undefined;
  do {
    const page = await store.mailLog.list({}, after === undefined ? { limit: 100 } : { limit: 100, after });
    for (const entry of page.items) {
      if (entry.kind !== 'message') continue;
      const pieces: Uint8Array[] = [];
      for (let n = 0; ; n++) {
        const piece = await store.mailLog.readChunk(entry.record.id, n);
        if (piece === null) break;
        pieces.push(piece);
      }
      found.push({ record: entry.record, body: Buffer.concat(pieces).toString('latin1') });
    }
    after = page.next ?? undefined;
  } while (after !== undefined);
  return found;
}

async function start(sqlite: SqliteStore, folder: string, options: FrontEndOptions): Promise<RunningFrontEnd> {
  const listeners = (options.listeners ?? [{}]).map((listener, i) => ({ name: `listener-${i}`, port: 0, ...listener }));
  const config = configSchema.parse({
    data_dir: options.dataDirectory ?? folder,
    smtp: {
      listeners,
      limits: options.limits,
      addresses: options.addresses,
      bare_newlines: options.bareNewlines,
      tls: options.tls,
    },
    plugins: [],
  });
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const clock = options.clock ?? systemClock;
  const counters = new MemoryCounters({ clock });
  const refusals: RefusalRecord[] = [];
  const store: MessageStore = {
    beginBody: (id) => sqlite.messages.beginBody(id),
    writeChunk: (id, n, bytes) => sqlite.messages.writeChunk(id, n, bytes),
    readChunk: (id, n) => sqlite.messages.readChunk(id, n),
    abandonBody: (id) => sqlite.messages.abandonBody(id),
    commit: (message) => sqlite.messages.commit(message),
    giveUp: (id) => sqlite.messages.giveUp(id),
    hasRoom: () => sqlite.messages.hasRoom(),
    ...options.store,
    recordRefusal: (refusal) => {
      refusals.push(refusal);
      sqlite.messages.recordRefusal(refusal);
    },
  };
  const spool = createSpool({ store, counters, clock, log, hostname: 'relay.example' });
  const pipelines = new TestPipelines(spool, options);
  const sessionControls = new ConnectionControls();
  const frontEnd = createSmtpFrontEnd({
    config,
    pipelines,
    intake: (id, expectedSize) => new MessageIntake(store, id, { expectedSize }),
    spool,
    store,
    counters,
    access: { credentialUsable: () => true, addressBlocked: () => null, ...options.access },
    sessionControls,
    log,
    clock,
    hostname: 'relay.example',
  });
  const addresses = await frontEnd.listen();
  const ports = Object.fromEntries(Object.entries(addresses).map(([name, { port }]) => [name, port]));
  return {
    frontEnd,
    port: Object.values(ports)[0] ?? 0,
    ports,
    spool,
    sessionControls,
    logged,
    refusals,
    swap: (handlers, changed) => pipelines.swap(handlers, changed),
    [Symbol.asyncDispose]: () => frontEnd.close(0),
  };
}

/** Pipelines of one plugin, `test`, run by the real runner. */
class TestPipelines implements PipelineSource {
  readonly #spool: Spool;
  readonly #options: FrontEndOptions;
  #version = 1;
  #current: Pipeline;
  #changed: Pipeline | null = null;

  constructor(spool: Spool, options: FrontEndOptions) {
    this.#spool = spool;
    this.#options = options;
    this.#current = this.#build(options.handlers ?? {});
  }

  current(): Pipeline {
    return this.#current;
  }

  changedSince(_listener: string, version: number): Pipeline | null {
    return version < this.#version ? this.#changed : null;
  }

  swap(handlers: TestHandlers, changed: TestHandlers | null): void {
    this.#version++;
    this.#current = this.#build(handlers);
    this.#changed = changed === null ? null : this.#runner(changed);
  }

  #build(handlers: TestHandlers): Pipeline {
    return this.#runner({
      auth: ({ credentials: { username, password } }) =>
        username === 'user' && password === 'secret' ? accept(identity) : undefined,
      queue: async ({ session, transaction, message }) => {
        await this.#spool.commit(session, transaction, message);
        return accept({ as: 'queued' });
      },
      ...handlers,
    });
  }

  #runner(handlers: TestHandlers): Pipeline {
    const table: { [K in HookName]?: BoundHandler[] } = {};
    for (const hook of Object.keys(hookTable) as HookName[]) {
      const run = handlers[hook];
      if (run === undefined) continue;
      table[hook] = [
        {
          plugin: 'test',
          run: run as BoundHandler['run'],
          timeoutMilliseconds: this.#options.timeout ?? 5_000,
          mayGrant: this.#options.mayGrant ?? false,
          log: pino({ level: 'silent' }),
        },
      ];
    }
    return new HookRunner(this.#version, table as HandlerTable, () => () => {});
  }
}
