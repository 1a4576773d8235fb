import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recipient } from '../../tests/contract/mail.ts';
import { type CaptureSink, startCaptureSink } from '../../tests/support/capture-sink.ts';
import { type RelayLab, startRelayLab } from '../../tests/support/relay-lab.ts';
import type { SinkAnswer } from '../../tests/support/sink-script.ts';
import { waitFor } from '../../tests/support/wait-for.ts';

/* All 27 mixes of accept, 4xx and 5xx for three recipients × what becomes of the message: exact accounting for each. */

const answers = ['accept', '4xx', '5xx'] as const;
type Answer = (typeof answers)[number];
const mixes = answers.flatMap((a) => answers.flatMap((b) => answers.map((c) => [a, b, c] as const)));

const ends = {
  taken: undefined,
  'DATA 4xx': { phase: 'data', answer: { reply: '451 4.3.0 not now' } },
  'DATA 5xx': { phase: 'data', answer: { reply: '554 5.7.1 never' } },
  'dot 4xx': { phase: 'dot', answer: { reply: '452 4.3.1 full' } },
  'dot 5xx': { phase: 'dot', answer: { reply: '550 5.7.1 spam' } },
  'drop after the dot': { phase: 'dot', answer: { drop: true } },
  'drop at DATA': { phase: 'data', answer: { drop: true } },
} as const satisfies Record<string, { phase: 'data' | 'dot'; answer: SinkAnswer } | undefined>;
type End = keyof typeof ends;

const replies: Readonly<Record<Answer, SinkAnswer | undefined>> = {
  accept: undefined,
  '4xx': { reply: '450 4.2.0 greylisted' },
  '5xx': { reply: '550 5.1.1 no such user' },
};

function expected(answer: Answer, end: End): { state: string; ambiguous: boolean } {
  if (answer === '5xx') return { state: 'bounced', ambiguous: false };
  if (answer === '4xx') return { state: 'deferred', ambiguous: false };
  if (end === 'taken') return { state: 'delivered', ambiguous: false };
  if (end === 'DATA 5xx' || end === 'dot 5xx') return { state: 'bounced', ambiguous: false };
  return { state: 'deferred', ambiguous: end === 'drop after the dot' };
}

describe.each([true, false])('with PIPELINING %s', (pipelining) => {
  let sink: CaptureSink;
  let lab: RelayLab;
  let sender = 0;

  beforeAll(async () => {
    sink = await startCaptureSink({ extensions: ['DSN', ...(pipelining ? ['PIPELINING'] : [])] });
    lab = await startRelayLab({ upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port }] });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    await sink.stop();
  });

  test.each((Object.keys(ends) as End[]).flatMap((end) => mixes.map((mix) => [end, mix] as const)))(
    '%s after %j',
    async (end, mix) => {
      sender += 1;
      const from = `s${sender}@example.org`;
      const fault = ends[end];
      sink.behave(({ phase, line, sender: of }) => {
        // The report that follows a bounce is taken.
        if (of !== from) return undefined;
        if (phase === 'rcpt') return replies[mix[Number(/<r(\d)@/.exec(line)?.[1])] ?? 'accept'];
        return phase === fault?.phase && mix.includes('accept') ? fault.answer : undefined;
      });
      const id = await lab.submit({
        facts: { sender: from },
        recipients: mix.map((_, n) => recipient(`r${n}@example.com`)),
      });
      const after = await lab.until(id, ({ lastReply }) => lastReply !== null);
      const got = after.recipients.map(({ state, ambiguous }) => ({ state, ambiguous: ambiguous === true }));
      expect(got).toEqual(mix.map((answer) => expected(answer, end)));
      expect(after.recipients.map(({ attempts }) => attempts)).toEqual([1, 1, 1]);

      const taken = sink.mails.filter((mail) => mail.sender === from);
      expect(taken.flatMap((mail) => mail.recipients)).toEqual(
        mix.flatMap((answer, n) => (answer === 'accept' && end === 'taken' ? [`r${n}@example.com`] : [])),
      );
      // One report for all that bounced together, from <>, to the sender alone.
      const bounced = got.filter(({ state }) => state === 'bounced').length;
      const reported = () => sink.mails.filter((mail) => mail.sender === '' && mail.recipients.includes(from));
      if (bounced > 0) await waitFor('the report', () => reported().length > 0);
      expect(reported()).toHaveLength(bounced > 0 ? 1 : 0);
      const actions =
        reported()[0]
          ?.raw.toString()
          .match(/^Action: failed/gm) ?? [];
      expect(actions).toHaveLength(bounced);

      sink.behave(undefined);
      const done = await lab.retried(id);
      expect(done.recipients.map(({ state }) => state)).toEqual(
        got.map(({ state }) => (state === 'bounced' ? 'bounced' : 'delivered')),
      );
      const sent = sink.mails.filter((mail) => mail.sender === from).flatMap((mail) => mail.recipients);
      expect(sent.sort()).toEqual(got.flatMap(({ state }, n) => (state === 'bounced' ? [] : [`r${n}@example.com`])));
    },
  );

  test('nothing was lost or made up', async () => {
    const sumsNow = () => lab.storage.mailLog.conservation();
    // The sink has the last report a moment before it is written down that it has.
    await waitFor('the last outcome', async () => (await sumsNow()).states.queued === 0);
    const sums = await sumsNow();
    expect(sums).toMatchObject({ balanced: true, accepted: 7 * 27 * 3, states: { queued: 0, deferred: 0, held: 0 } });
    expect(sums.generated).toBe((await lab.reports()).length);
  });
});
