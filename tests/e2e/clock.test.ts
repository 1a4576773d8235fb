import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type ApiCall, apiClient, createCredential, registerFirst, textField } from '../support/api-client.ts';
import { available } from '../support/available.ts';
import { startCaptureSink } from '../support/capture-sink.ts';
import { describeWith } from '../support/describe-with.ts';
import { startSluice } from '../support/process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { clientSession } from './support/client-session.ts';
import { relayTo } from './support/relay-to.ts';

/*
 * A wall clock that is set ten days ahead, twice the age at which mail expires, while mail waits for its next try. No try
 * is under way when it jumps, for one that ends after the jump counts as made after it; new mail makes the relay look at
 * the clock.
 */
const messages = 30;
const day = 86_400_000;
const greylisted = { reply: '450 4.2.0 Greylisted, come back later' };

const queue = z.object({ state: z.object({ deferred: z.number(), leased: z.number() }) });
const counts = z.object({
  by_status: z.object({ accepted: z.number(), delivered: z.number(), bounced: z.number(), expired: z.number() }),
});
const conservation = z.object({ balanced: z.boolean() });

describeWith(['libfaketime'], 'a clock that jumps ten days ahead', () => {
  test('expires and bounces nothing, and mail is still delivered once', async () => {
    await using folder = await temporaryFolder('clock');
    const clock = join(folder.path, 'clock');
    await writeFile(clock, '+0');
    await using sink = await startCaptureSink({ script: ({ phase }) => (phase === 'rcpt' ? greylisted : undefined) });
    await using relay = await startSluice({
      folder: folder.path,
      env: {
        LD_PRELOAD: available('libfaketime').found ?? '',
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: '1',
        // Only the wall clock jumps, as when an administrator or NTP sets it.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
      configure: (config) => ({
        ...relayTo(sink.port, config),
        worker: { retry: { first: '1h', factor: 1, most: '1h' } },
      }),
    });
    const account = await registerFirst(relay.api);
    const credential = await createCredential(account);
    await using client = await clientSession(relay, credential);
    for (let n = 0; n < messages; n += 1) {
      const sent = await client.send('me@example.com', [`r${n}@example.org`], 'From: me@example.com\r\n\r\nhello');
      expect(sent.code, sent.text).toBe(250);
    }
    const allPutOff = (call: ApiCall) =>
      waitFor('every message to be put off, and none under way', async () => {
        const { state } = queue.parse((await call('GET', '/api/queue')).body);
        return state.deferred === messages && state.leased === 0;
      });
    await allPutOff(account.call);

    // From now on each recipient is put off once more, and then taken.
    const all = new Set(Array.from({ length: messages }, (_, n) => `r${n}@example.org`));
    const tried = new Set<string>(['first@example.org', 'second@example.org']);
    sink.behave(({ phase, line }) => {
      const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
      if (phase !== 'rcpt' || tried.has(address)) return undefined;
      tried.add(address);
      return greylisted;
    });
    await writeFile(clock, '+10d');
    await waitFor('the relay to live in another week', async () => {
      const date = Date.parse((await fetch(`${relay.api}/health`)).headers.get('date') ?? '');
      return date - Date.now() > 9 * day;
    });
    // Tokens of last week are no longer good.
    const body = { email: 'test@example.com', password: 'password123' };
    const call = apiClient(relay.api, textField(await apiClient(relay.api)('POST', '/api/auth/login', body), 'token'));
    await using fresh = await clientSession(relay, credential);
    const send = async (recipient: string) => {
      const sent = await fresh.send('me@example.com', [recipient], 'From: me@example.com\r\n\r\nhello');
      expect(sent.code, sent.text).toBe(250);
    };
    await send('first@example.org');
    await waitFor('each message to be tried again', () => tried.size === messages + 2);
    await allPutOff(call);
    expect(sink.mails.flatMap(({ recipients }) => recipients)).toEqual(['first@example.org']);

    await writeFile(clock, '+242h');
    await send('second@example.org');
    const mails = await sink.received(messages + 2, 60_000);
    expect(new Set(mails.flatMap(({ recipients }) => recipients))).toEqual(
      new Set([...all, 'first@example.org', 'second@example.org']),
    );
    const status = await waitFor('the deliveries to be counted', async () => {
      const { by_status } = counts.parse((await call('GET', '/api/mail-logs/stats')).body);
      return by_status.delivered === messages + 2 ? by_status : undefined;
    });
    expect(status).toMatchObject({ bounced: 0, expired: 0 });
    expect(conservation.parse((await call('GET', '/api/system/conservation')).body).balanced).toBe(true);
    expect(await relay.terminate()).toEqual({ code: 0, signal: null });
    expect(sink.mails.length).toBe(messages + 2);
  });
});
