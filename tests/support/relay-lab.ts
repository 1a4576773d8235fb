import { configSchema } from '../../core/config/schema.ts';
import { systemClock } from '../../core/domain/clock.ts';
import type { MessageRecord, RecipientRecord } from '../../core/domain/message.ts';
import { createLog } from '../../core/observability/log.ts';
import type { Plugin } from '../../core/pipeline/plugin.ts';
import { createPipelines, type PipelineSet } from '../../core/pipeline/registry.ts';
import { services } from '../../core/pipeline/services.ts';
import { FakeSpool } from '../../core/pipeline/testing/fake-spool.ts';
import type { UpstreamHealth } from '../../core/pipeline/upstream-board.ts';
import type { DeliveryStore } from '../../core/storage/ports/delivery-store.ts';
import { chunkSize } from '../../core/storage/ports/message-store.ts';
import { createWorker, type Worker } from '../../core/worker/worker.ts';
import delivery from '../../plugins/delivery/index.ts';
import { type MailChange, mail } from '../contract/mail.ts';
import { openSqlite } from '../contract/sqlite-storage.ts';
import type { Storage } from '../contract/storage.ts';
import { waitFor } from './wait-for.ts';

export interface RelayLabOptions {
  /** `upstreams:` of the plugin `delivery`, as in the configuration file. */
  readonly upstreams?: readonly Record<string, unknown>[];
  /** `worker:` of the configuration. */
  readonly worker?: Record<string, unknown>;
  /** How long mail waits for an upstream that does not move, in milliseconds. */
  readonly patience?: number;
  /** Run before `delivery`, in this order. */
  readonly plugins?: readonly Plugin[];
  /** Stands between worker and store, to let it fail. */
  readonly wrap?: (store: DeliveryStore) => DeliveryStore;
  readonly storage?: Storage;
  /** Leave the worker for the test to start. */
  readonly stopped?: boolean;
}

/** Worker and `delivery` on a real database: mail put in is relayed to whatever upstreams the test has running. */
export interface RelayLab extends AsyncDisposable {
  readonly storage: Storage;
  readonly worker: Worker;
  readonly pipelines: PipelineSet;
  /** What the upstreams were last told to be. */
  readonly health: ReadonlyMap<string, UpstreamHealth>;
  /** Stores a message as acceptance does; answers its id. */
  submit(change?: MailChange): Promise<string>;
  record(id: string): Promise<MessageRecord>;
  /** Waits until the recipients satisfy `condition` and no worker holds the message, and answers its record. */
  until(id: string, condition: (recipient: RecipientRecord) => boolean): Promise<MessageRecord>;
  /** Has the message tried again, as often as it takes, until no recipient waits any more. */
  retried(id: string): Promise<MessageRecord>;
  /** All messages made by the relay itself: its reports. */
  reports(): Promise<MessageRecord[]>;
}

const text = 'From: from@example.org\r\nSubject: hello\r\n\r\nHello.\r\n.dots\r\n..more\r\n';
export const labMessage = Buffer.from(text);

export async function startRelayLab(options: RelayLabOptions = {}): Promise<RelayLab> {
  const storage = options.storage ?? (await openSqlite());
  const log = createLog({ level: process.env.SLUICE_TEST_LOG ?? 'silent' });
  const health = new Map<string, UpstreamHealth>();
  const plugins = [...(options.plugins ?? []), delivery as unknown as Plugin];
  const pipelines = await createPipelines({
    entries: plugins.map((plugin) => ({
      use: plugin.name,
      enabled: true,
      timeout: 10_000,
      before: [],
      after: [],
      priority: 0,
      may_grant: false,
      config: plugin.name === 'delivery' ? { upstreams: options.upstreams ?? [] } : {},
    })),
    role: 'worker',
    services: new Map<symbol, unknown>([
      [services.clock, systemClock],
      [services.hostname, 'relay.test'],
      [services.spool, new FakeSpool()],
      [services.upstreamBoard, { report: (state: UpstreamHealth) => health.set(state.name, state) }],
    ]),
    log,
    load: async (use) => {
      const found = plugins.find((plugin) => plugin.name === use);
      if (found === undefined) throw new RangeError(`no plugin ${use}`);
      return found;
    },
  });
  const worker = createWorker({
    store: options.wrap === undefined ? storage.deliveries : options.wrap(storage.deliveries),
    pipelines,
    config: configSchema.parse({ plugins: [], worker: options.worker ?? {} }).worker,
    hostname: 'relay.test',
    clock: systemClock,
    log,
    ...(options.patience === undefined ? {} : { patience: options.patience }),
  });
  if (options.stopped !== true) worker.start();

  const record = async (id: string): Promise<MessageRecord> => (await entry(id)).record;
  const entry = async (id: string) => {
    const found = await storage.mailLog.get(id);
    if (found?.kind !== 'message') throw new RangeError(`no message ${id}`);
    return found;
  };
  return {
    storage,
    worker,
    pipelines,
    health,
    async submit(change = {}) {
      const message = mail({ bytes: Buffer.from(labMessage), ...change });
      const { id } = message.facts;
      const body = message.body.kind === 'inline' ? message.body.bytes : new Uint8Array(0);
      if (body.length <= chunkSize) {
        await storage.messages.commit(message);
        return id;
      }
      await storage.messages.beginBody(id);
      let count = 0;
      for (let from = 0; from < body.length; from += chunkSize) {
        await storage.messages.writeChunk(id, count++, body.slice(from, from + chunkSize));
      }
      await storage.messages.commit({ ...message, body: { kind: 'chunks', count } });
      return id;
    },
    record,
    until: (id, condition) =>
      waitFor(`message ${id}`, async () => {
        const { record: found, leased } = await entry(id);
        return !leased && found.recipients.every(condition) ? found : undefined;
      }),
    retried: (id) =>
      waitFor(`message ${id} to be settled`, async () => {
        const { record: found, leased } = await entry(id);
        if (!leased && found.recipients.every(({ state }) => state !== 'queued' && state !== 'deferred')) return found;
        await storage.queueActions.act(id, { do: 'retry' });
        return undefined;
      }),
    async reports() {
      const { items } = await storage.mailLog.list({}, { limit: 1_000 });
      return items.flatMap((item) => (item.kind === 'message' && item.record.origin === 'bounce' ? [item.record] : []));
    },
    async [Symbol.asyncDispose]() {
      await worker.stop(1_000);
      await pipelines.close();
      if (options.storage === undefined) await storage.close();
    },
  };
}
