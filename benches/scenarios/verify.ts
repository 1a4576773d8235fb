import { type CaptureSink, startCaptureSink } from '../../tests/support/capture-sink.ts';
import { BenchMessage } from '../load/bench-message.ts';
import { nextRun, runLoad } from '../load/run-load.ts';
import type { Relay } from '../relays/relay.ts';
import type { LoadShape } from './throughput.ts';

/** What became of the messages that got their 250, by Message-ID and SHA-256 of each body. */
export interface Verification {
  sent: number;
  lost: number;
  doubled: number;
  changed: number;
}

const compare = (sink: CaptureSink, message: BenchMessage, sent: number): Verification => {
  const seen = new Map<string, string[]>();
  for (const mail of sink.mails) seen.set(mail.messageId, [...(seen.get(mail.messageId) ?? []), mail.bodyHash]);
  const result = { sent, lost: 0, doubled: 0, changed: 0 };
  for (let number = 0; number < sent; number += 1) {
    const expected = message.expected(number);
    const hashes = seen.get(expected.messageId) ?? [];
    if (hashes.length === 0) result.lost += 1;
    if (hashes.length > 1) result.doubled += 1;
    if (hashes.some((hash) => hash !== expected.bodyHash)) result.changed += 1;
  }
  return result;
};

/** Sends `sent` messages through a relay to a sink that remembers each, and compares. */
export const verify = async (relay: Relay, shape: LoadShape, sent: number, folder: string): Promise<Verification> => {
  await using sink = await startCaptureSink({ keepRaw: false });
  const running = await relay.start({ folder, upstream: sink.port, sending: true, startTls: shape.startTls });
  try {
    const run = nextRun();
    const { connections, size, startTls } = shape;
    const load = { port: running.port, messages: sent, connections, size, run, keepAlive: true, startTls };
    await runLoad({ ...load, login: running.login });
    // What is lost never comes: the wait ends when nothing has come for ten seconds.
    for (let before = -1; sink.mails.length > before && sink.mails.length < sent; ) {
      before = sink.mails.length;
      await sink.received(Math.min(sent, before + 1), 10_000).catch(() => undefined);
    }
    // One more than sent would be a double; it comes within the time of a further session or not at all.
    await sink.received(sent + 1, 500).catch(() => undefined);
    return compare(sink, new BenchMessage(run, size), sent);
  } finally {
    await running.stop();
  }
};
