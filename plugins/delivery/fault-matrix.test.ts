import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CaptureSink, startCaptureSink } from '../../tests/support/capture-sink.ts';
import { type RelayLab, startRelayLab } from '../../tests/support/relay-lab.ts';
import type { SinkAnswer, SinkPhase } from '../../tests/support/sink-script.ts';
import { at } from '../../tests/support/sink-script.ts';

/*
 * Every phase of the dialogue × everything an upstream can do wrong in it. Expected: the right state after the fault,
 * nothing lost and nothing stuck after the upstream recovered, nothing sent twice.
 */

/** connect is the greeting. */
const phases = ['connect', 'ehlo', 'mail', 'rcpt', 'data', 'dot', 'quit'] as const satisfies SinkPhase[];
type FaultPhase = (typeof phases)[number];

const faults = {
  '4xx': { reply: '451 4.3.0 not now' },
  '5xx': { reply: '554 5.7.1 never' },
  drop: { drop: true },
  '421': { reply: '421 4.3.2 going away', drop: true },
  stall: { stall: true },
  garbage: { reply: '\u0000\u0001garbage' },
  '1 MB reply': { reply: Buffer.alloc(1024 * 1024, 'x') },
  'endless lines': { reply: '250-more\r\n'.repeat(500) },
  'lines of two codes': { reply: '250-one\r\n451 two' },
} as const satisfies Record<string, SinkAnswer>;
type Fault = keyof typeof faults;

/** What the recipients are after the fault: `state`, and whether the attempt counts. */
function expected(phase: FaultPhase, fault: Fault): { state: string; attempts: number; ambiguous?: true } {
  if (phase === 'quit') return { state: 'delivered', attempts: 1 };
  if (phase === 'connect' || phase === 'ehlo') return { state: 'deferred', attempts: 0 };
  if (fault === '5xx') return { state: 'bounced', attempts: 1 };
  const answered = fault === '4xx' || fault === '421';
  if (phase === 'dot' && !answered) return { state: 'deferred', attempts: 1, ambiguous: true };
  return { state: 'deferred', attempts: 1 };
}

describe.each([true, false])('with PIPELINING %s', (pipelining) => {
  let sink: CaptureSink;
  let lab: RelayLab;

  beforeAll(async () => {
    sink = await startCaptureSink({
      extensions: ['8BITMIME', 'DSN', 'ENHANCEDSTATUSCODES', ...(pipelining ? ['PIPELINING'] : [])],
    });
    lab = await startRelayLab({
      upstreams: [
        {
          name: 'default',
          host: '127.0.0.1',
          port: sink.port,
          messages_per_connection: 1,
          timeouts: { connect: '400ms', command: '400ms', data: '400ms' },
          // The breaker has tests of its own: here it lets mail through again at once.
          breaker: { failures: 1_000, probe: '10ms', hold: '10ms' },
        },
      ],
    });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    await sink.stop();
  });

  test.each(phases.flatMap((phase) => (Object.keys(faults) as Fault[]).map((fault) => [phase, fault] as const)))(
    '%s: %s',
    async (phase, fault) => {
      const seen = sink.mails.length;
      sink.behave(at(phase, faults[fault]));
      const id = await lab.submit();
      const want = expected(phase, fault);
      const after = await lab.until(id, ({ lastReply }) => lastReply !== null);
      expect(after.recipients[0]).toMatchObject(want);
      expect(after.recipients[0]?.ambiguous).toBe(want.ambiguous);
      const [attempt] = await lab.storage.mailLog.attempts(id);
      expect(attempt).toMatchObject({ upstream: 'default', ambiguous: want.ambiguous === true });

      sink.behave(undefined);
      if (want.state === 'deferred') {
        const done = await lab.retried(id);
        expect(done.recipients[0]?.state).toBe('delivered');
      }
      const sent = want.state === 'bounced' ? 0 : 1;
      expect(sink.mails.slice(seen).filter((mail) => mail.sender === after.sender)).toHaveLength(sent);
      expect((await lab.storage.mailLog.conservation()).balanced).toBe(true);
    },
  );
});
