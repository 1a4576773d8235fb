import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { createTransport } from 'nodemailer';
import { expect, test } from 'vitest';
import type { ConfigInput } from '../../core/config/schema.ts';
import { type Account, createCredential, registerFirst, textField } from '../support/api-client.ts';
import { startSluice } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';
import { isGenuine, startWebhookReceiver, status, type WebhookBehaviour } from '../support/webhook-receiver.ts';
import { withListeners } from './support/relay-to.ts';

/* Webhooks of a real process, with a receiver that fails in every way, and a process that is killed. */

const configured = (config: ConfigInput, webhooks: NonNullable<ConfigInput['api']>['webhooks']): ConfigInput => ({
  ...withListeners(config, { auth_without_tls: true }),
  log: { level: 'warn' },
  worker: { ambiguous_delay: '1s', retry: { first: '1s', most: '2s' } },
  api: { ...config.api, webhooks },
});
const quick = { allow_networks: ['127.0.0.1'], timeout: '1s', retry_first: '200ms', retry_most: '1s' };

const make = async (account: Account, body: Readonly<Record<string, unknown>>) => {
  const made = await account.call('POST', '/api/webhooks', { name: 'test', ...body });
  return { id: textField(made, 'id'), secret: textField(made, 'secret') };
};

test('every event comes, in order and signed, to a receiver that fails, stalls and redirects, and over kill -9', async () => {
  await using receiver = await startWebhookReceiver();
  await using relay = await startSluice({ configure: (config) => configured(config, quick) });
  const account = await registerFirst(relay.api);
  const { username, password } = await createCredential(account);
  const { id, secret } = await make(account, { url: receiver.url, types: ['accepted', 'captured'] });

  const troubles: WebhookBehaviour[] = [
    status(500),
    () => {},
    status(307, { location: receiver.url }),
    (response) => response.destroy(),
  ];
  receiver.behave((response, delivery) => (troubles.shift() ?? status(204))(response, delivery));

  const sent: string[] = [];
  const send = async (count: number) => {
    const transport = createTransport({
      host: '127.0.0.1',
      port: relay.ports.smtp,
      auth: { user: username, pass: password },
      ignoreTLS: true,
    });
    for (let n = 0; n < count; n += 1) {
      const messageId = `<${sent.length}@example.com>`;
      await transport.sendMail({ from: 'me@example.com', to: 'you@example.org', messageId, text: 'x' });
      sent.push(messageId);
    }
    transport.close();
  };
  /** Messages both of whose events came. */
  const told = () => {
    const came = (type: string) =>
      new Set(receiver.deliveries.filter(({ event }) => event.type === type).map(({ event }) => event.message_id));
    const [accepted, captured] = [came('accepted'), came('captured')];
    return sent.filter((messageId) => accepted.has(messageId) && captured.has(messageId)).length;
  };
  for (let kill = 0; kill < 3; kill += 1) {
    await send(10);
    await waitFor('some deliveries', () => told() > kill * 10, { timeout: 60_000 });
    await relay.kill();
    await relay.start();
  }
  const detail = () => JSON.stringify([sent, receiver.deliveries.map(({ body }) => body)]);
  await waitFor('all events', () => told() === sent.length, { timeout: 60_000, detail });
  expect(troubles).toEqual([]);

  const ids = receiver.deliveries.map(({ event }) => Number(event.id));
  const firstTimes = [...new Set(ids)];
  expect(firstTimes).toEqual(firstTimes.toSorted((a, b) => a - b));
  for (const delivery of receiver.deliveries) {
    expect(isGenuine(delivery, secret, 3_600)).toBe(true);
    expect(delivery.headers['webhook-id']).toBe(`event_${delivery.event.id}`);
    expect(isGenuine({ ...delivery, body: delivery.body.replace('me@', 'it@') }, secret, 3_600)).toBe(false);
  }
  const shown = await account.call('GET', `/api/webhooks/${id}`);
  expect(shown.body).toMatchObject({ enabled: true, state: { failures: 0 } });
  expect(relay.output()).not.toContain(secret);
}, 200_000);

test('nothing that is not public is reached, by address or by name', async () => {
  let reached = 0;
  const inner = createServer((socket) => {
    reached += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => inner.listen(0, 'localhost', resolve));
  const { port } = inner.address() as AddressInfo;
  await using relay = await startSluice({ configure: (config) => configured(config, { timeout: '2s' }) });
  const account = await registerFirst(relay.api);
  for (const host of [
    '127.0.0.1',
    '[::1]',
    '0x7f.1',
    '2130706433',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
    '10.0.0.1',
  ]) {
    const made = await account.call('POST', '/api/webhooks', { name: 'x', url: `https://${host}:${port}/` });
    expect([host, made.status]).toEqual([host, 422]);
  }
  expect((await account.call('POST', '/api/webhooks', { name: 'x', url: `http://localhost:${port}/` })).status).toBe(
    422,
  );
  const { id } = await make(account, { url: `https://localhost:${port}/` });
  const tried = await account.call('POST', `/api/webhooks/${id}/test`);
  expect(tried.body).toMatchObject({
    delivered: false,
    status: null,
    reason: expect.stringContaining('no address that is public'),
  });
  expect(reached).toBe(0);
  inner.close();
});
