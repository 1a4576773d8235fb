import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { uuidv7 } from 'uuidv7';
import type { Attempt } from '../../domain/message.ts';
import { createLog } from '../../observability/log.ts';
import type { NewMessage } from '../ports/message-store.ts';
import { openForReading } from './database.ts';
import { connectDeliveryStore } from './delivery-client.ts';
import { openSqliteStore } from './store.ts';

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

/**
 * How fast the store commits: `node core/storage/sqlite/commits.bench.ts [--producers 50] [--messages 50000]
 * [--bytes 5120] [--backlog 0] [--domains 1] [--relay]`. Producers wait for their commit before the next one, as
 * sessions do; with `--relay` a worker in this same thread claims and settles everything.
 */
const { values } = parseArgs({
  options: {
    producers: { type: 'string', default: '50' },
    messages: { type: 'string', default: '50000' },
    bytes: { type: 'string', default: '5120' },
    backlog: { type: 'string', default: '0' },
    domains: { type: 'string', default: '1' },
    relay: { type: 'boolean', default: false },
    folder: { type: 'string', default: '.' },
  },
});
const [producers, messages, bytes, backlog, domains] = [
  values.producers,
  values.messages,
  values.bytes,
  values.backlog,
  values.domains,
].map(Number) as [number, number, number, number, number];
const folder = mkdtempSync(join(values.folder, 'sluice-bench-'));
const log = createLog({ level: 'warn' });
const options = {
  folder,
  log,
  ambiguousDelay: 600_000,
  freeSpace: 0,
  unwritten: 64 * 1024 * 1024,
  retention: { captured: 86_400_000, log: 86_400_000, receiving: 600_000 },
  sweep: 3_600_000,
};
const body = randomBytes(bytes);
const trace = Array.from({ length: 12 }, (_, n) => ({
  hook: 'rcptTo',
  plugin: `plugin-${n}`,
  verdict: 'continue',
  micros: n,
}));

function message(dueIn: number): NewMessage {
  const at = Date.now();
  const domain = `${Math.floor(Math.random() * domains)}.example.com`;
  return {
    facts: {
      id: uuidv7(),
      origin: 'smtp',
      ownerId: '0193b5c2-7b1e-7c3a-9d1e-2f6a4b8c0d1e',
      credentialId: '0193b5c2-7b1e-7c3a-9d1e-2f6a4b8c0d1f',
      acceptedAt: at,
      source: { sessionId: 's1', listener: 'relay', clientAddress: '192.0.2.1', helo: 'client', tls: 'TLSv1.3' },
      sender: 'sender@example.org',
      parameters: { size: bytes, body: '8BITMIME' },
      size: bytes,
      sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      messageId: `<${at}.${Math.random()}@example.org>`,
      subject: 'A message of the benchmark',
      headerEdits: [{ do: 'prepend', name: 'Received', value: 'from client (client [192.0.2.1]) by relay' }],
      notes: {},
      trace,
      pipelineVersion: 1,
    },
    recipients: [
      {
        address: `recipient-${Math.floor(Math.random() * 1e6)}@${domain}`,
        domain,
        state: 'queued',
        attempts: 0,
        nextAt: at + dueIn,
        upstream: null,
        lastReply: null,
        finalAt: null,
      },
    ],
    body: { kind: 'inline', bytes: body },
  };
}

async function produce(store: { commit(message: NewMessage): Promise<void> }, count: number, dueIn: number) {
  let left = count;
  const latencies: number[] = [];
  const producer = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const start = performance.now();
      await store.commit(message(dueIn));
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: producers }, producer));
  return latencies.sort((a, b) => a - b);
}

let store = await openSqliteStore(options);
if (backlog > 0) {
  await produce(store.messages, backlog, 86_400_000);
  await store.close();
  const start = performance.now();
  store = await openSqliteStore(options);
  print(`start with ${backlog} waiting: ${(performance.now() - start).toFixed(0)} ms`);
  const asked = performance.now();
  const { messages: waiting } = await store.mailLog.queueState();
  print(`queue state (${waiting} messages): ${(performance.now() - asked).toFixed(1)} ms`);
}

const relay = connectDeliveryStore(store.deliveryPort());
const stop = new AbortController();
let settled = 0;
const worker = async (): Promise<void> => {
  while (!stop.signal.aborted) {
    const claims = await relay.deliveries.claim({
      limit: 20,
      worker: 'bench',
      leaseMilliseconds: 45_000,
      signal: stop.signal,
    });
    await Promise.all(
      claims.map(async ({ record, lease }) => {
        const recipients = record.recipients.map((recipient, index) => ({
          index,
          recipient: {
            ...recipient,
            state: 'delivered' as const,
            attempts: 1,
            nextAt: null,
            upstream: 'default',
            finalAt: Date.now(),
          },
        }));
        const attempts: Attempt[] = [
          {
            messageId: record.id,
            at: Date.now(),
            upstream: 'default',
            host: '192.0.2.25:25',
            phase: 'done',
            tls: null,
            milliseconds: 3,
            ambiguous: false,
            results: recipients.map(({ recipient: { address, state } }) => ({
              recipient: address,
              state,
              reply: '250 2.0.0 queued',
            })),
          },
        ];
        await relay.deliveries.settle({ lease, recipients, attempts, generated: [], release: true });
        settled += 1;
        if (settled === messages) stop.abort();
      }),
    );
  }
};

const cpu = threadTicks();
const before = performance.now();
const working = values.relay ? worker() : undefined;
const latencies = await produce(store.messages, messages, 0);
const accepted = performance.now() - before;
await working;
const all = performance.now() - before;
const used = threadTicks();
const sequence = commitNumber();
print(
  `${((messages / accepted) * 1_000).toFixed(0)} commits/s` +
    (values.relay ? `, ${((messages / all) * 1_000).toFixed(0)} settled/s` : '') +
    `; µs of CPU a message: ${threadCosts()}` +
    `; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; ${(sequence / (messages + backlog)).toFixed(3)} transactions a message`,
);
await relay.close();
await store.close();
rmSync(folder, { recursive: true });

function at(share: number): string {
  return (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(1);
}

/** CPU used by each thread of this process so far, in ticks of 10 ms, from /proc. */
function threadTicks(): Map<string, number> {
  const ticks = new Map<string, number>();
  for (const task of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${task}/stat`, 'utf8');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks.set(name, (ticks.get(name) ?? 0) + Number(fields[11]) + Number(fields[12]));
  }
  return ticks;
}

function threadCosts(): string {
  return [...used]
    .map(([name, ticks]) => ({ name, cost: ((ticks - (cpu.get(name) ?? 0)) * 10_000) / messages }))
    .filter(({ cost }) => cost >= 0.5)
    .map(({ name, cost }) => `${name} ${cost.toFixed(1)}`)
    .join(', ');
}

function commitNumber(): number {
  const database = openForReading(join(folder, 'sluice.db'));
  const row = database.prepare('SELECT commit_seq FROM store').get();
  database.close();
  return Number(row?.commit_seq);
}
