import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../tests/support/wait-for.ts';
import { isGenuine, startWebhookReceiver, status, type WebhookReceiver } from '../../tests/support/webhook-receiver.ts';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

let receiver: WebhookReceiver;
let api: TestApi;
let admin: TestUser;
let anna: TestUser;
let bert: TestUser;
let url: string;

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  url = receiver.url;
  api = await startTestApi({
    api: {
      webhooks: { allow_networks: ['127.0.0.1'], per_user: 4, retry_first: '50ms', retry_most: '100ms', timeout: '5s' },
    },
  });
  admin = await api.administrator();
  anna = await api.user('anna');
  bert = await api.user('bert');
});
afterAll(async () => {
  await api.close();
  await receiver[Symbol.asyncDispose]();
});
afterEach(async () => {
  receiver.behave(status(204));
  for (const user of [admin, anna, bert]) {
    const { items } = await api.store.webhooks.list({ ownerId: user.id, limit: 100 });
    for (const { webhook } of items) await api.wire('DELETE', `/api/webhooks/${webhook.id}`, { token: user.token });
  }
  receiver.clear();
});

const create = async (user: TestUser, body: Record<string, unknown> = {}) => {
  const made = await api.wire('POST', '/api/webhooks', { token: user.token, body: { name: 'test', url, ...body } });
  expect([made.status, made.text]).toEqual([201, expect.any(String)]);
  return { id: made.field('id'), secret: made.field('secret'), etag: String(made.headers.etag) };
};
const read = async (user: TestUser, id: string) =>
  (await api.wire('GET', `/api/webhooks/${id}`, { token: user.token })).body as {
    enabled: boolean;
    disabled_reason: string | null;
    state: Record<string, unknown>;
  };
const change = (user: TestUser, id: string, body: object, etag = '*') =>
  api.wire('PATCH', `/api/webhooks/${id}`, { token: user.token, body, headers: { 'if-match': etag } });
const cancelled = async (user: TestUser) => {
  const id = await api.message(user.id);
  await api.store.queueActions.act(id, { do: 'cancel' });
  return id;
};
const arrived = (count: number) =>
  waitFor(
    `${count} deliveries`,
    () => {
      // Retries wait for this clock.
      api.clock.advance(5);
      return receiver.deliveries.length >= count;
    },
    { timeout: 20_000, detail: () => JSON.stringify(receiver.deliveries) },
  );

describe('deliveries', () => {
  test('tell the owner’s events of the wanted types, in order, signed', async () => {
    const { id, secret } = await create(anna, { types: ['accepted', 'cancelled'] });
    const messages: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      await cancelled(bert);
      messages.push(await cancelled(anna));
    }
    await arrived(6);
    const expected = messages.flatMap((message) => [
      ['accepted', message],
      ['cancelled', message],
    ]);
    expect(receiver.deliveries.map(({ event }) => [event.type, event.mail_log_id])).toEqual(expected);
    for (const delivery of receiver.deliveries) {
      expect(delivery.event.owner_id).toBe(anna.id);
      expect(delivery.headers['webhook-id']).toBe(`event_${delivery.event.id}`);
      expect(Math.abs(Number(delivery.headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(300);
      expect(isGenuine(delivery, secret)).toBe(true);
      expect(isGenuine(delivery, `whsec_${Buffer.alloc(32).toString('base64')}`)).toBe(false);
    }
    const last = receiver.deliveries.at(-1)?.event.id;
    await waitFor('the progress', async () => (await read(anna, id)).state.last_event_id === last);
    const { state } = await read(anna, id);
    expect(state).toMatchObject({ failures: 0, last_failure: null, next_try_at: null });
    expect(state.last_success_at).not.toBeNull();
  });

  test('tell administrators of everything if they want it', async () => {
    const refused = await api.wire('POST', '/api/webhooks', {
      token: anna.token,
      body: { name: 'all', url, all_owners: true },
    });
    expect(refused.status).toBe(403);
    await create(admin, { all_owners: true, types: ['accepted'] });
    await create(admin, { name: 'own', types: ['accepted'] });
    await api.message(anna.id);
    await api.message(admin.id);
    await arrived(3);
    expect(receiver.deliveries.map(({ event }) => event.owner_id).toSorted()).toEqual(
      [anna.id, admin.id, admin.id].toSorted(),
    );
  });

  test('are tried again until they are taken, the next event only then', async () => {
    const failing = ['close', 'error', 'redirect'];
    receiver.behave((response, delivery) => {
      const how = failing.shift();
      if (how === 'close') response.destroy();
      else if (how === 'error') status(500)(response, delivery);
      else status(how === 'redirect' ? 302 : 204, { location: '/elsewhere' })(response, delivery);
    });
    const { id } = await create(anna, { types: ['accepted'] });
    const first = await api.message(anna.id);
    const second = await api.message(anna.id);
    await arrived(5);
    expect(receiver.deliveries.map(({ event }) => event.mail_log_id)).toEqual([first, first, first, first, second]);
    expect(new Set(receiver.deliveries.slice(0, 4).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    await waitFor('the success', async () => (await read(anna, id)).state.last_success_at !== null, {
      timeout: 20_000,
    });
    const { state } = await read(anna, id);
    expect(state).toMatchObject({
      failures: 0,
      failing_since: null,
      last_failure: { reason: 'HTTP 302: redirects are not followed' },
    });
  });

  test('show how they fail, and end after a day of it, with a reason that is audited', async () => {
    receiver.behave(status(503));
    const { id } = await create(anna, { types: ['accepted'] });
    await api.message(anna.id);
    await arrived(2);
    await waitFor('two failures', async () => Number((await read(anna, id)).state.failures) >= 2);
    const failing = await read(anna, id);
    expect(failing.state).toMatchObject({ last_failure: { reason: 'HTTP 503' } });
    expect([failing.enabled, failing.state.next_try_at]).toEqual([true, expect.any(String)]);
    api.clock.advance(86_400_000 - 3_600_000);
    const early = receiver.deliveries.length;
    await arrived(early + 2);
    expect((await api.store.webhooks.get(id))?.webhook.enabled).toBe(true);
    api.clock.advance(3_600_000);
    await waitFor('the end', async () => (await api.store.webhooks.get(id))?.webhook.enabled === false);
    api.clock.advance(-86_400_000);
    const ended = await read(anna, id);
    expect(ended.disabled_reason).toMatch(/^failed \d+ times since .*; last: HTTP 503$/);
    const audit = await api.wire('GET', `/api/audit-log?subject_id=${id}`, { token: admin.token });
    expect(audit.text).toContain('webhook.disable');
    expect(audit.text).toContain('HTTP 503');

    receiver.behave(status(204));
    const meanwhile = await api.message(anna.id);
    expect((await change(anna, id, { enabled: true })).body).toMatchObject({ disabled_reason: null });
    receiver.clear();
    const after = await api.message(anna.id);
    await arrived(1);
    expect(receiver.deliveries.map(({ event }) => event.mail_log_id)).toEqual([after]);
    expect(meanwhile).not.toBe(after);
  });

  test('are tried at once when the owner changed something', async () => {
    const patient = await startTestApi({ api: { webhooks: { allow_networks: ['127.0.0.1'], retry_first: '1h' } } });
    const root = await patient.administrator();
    receiver.behave(status(500));
    const body = { name: 'x', url: `${receiver.url}/old`, types: ['accepted'] };
    const made = await patient.wire('POST', '/api/webhooks', { token: root.token, body });
    const id = await patient.message(root.id);
    const target = `/api/webhooks/${made.field('id')}`;
    const state = async () => (await patient.store.webhooks.get(made.field('id')))?.state;
    await waitFor('the failure to be remembered', async () => (await state())?.failures === 1);
    receiver.behave(status(204));
    patient.clock.advance(1_000);
    const change = { url: receiver.url };
    await patient.wire('PATCH', target, { token: root.token, body: change, headers: { 'if-match': '*' } });
    await waitFor('the delivery', () => receiver.deliveries.length >= 2);
    expect(receiver.deliveries[1]?.event.mail_log_id).toBe(id);
    await patient.close();
  });

  test('end at once where the receiver says that it is gone', async () => {
    receiver.behave(status(410));
    const { id } = await create(anna);
    await api.message(anna.id);
    await waitFor('the end', async () => !(await read(anna, id)).enabled);
    expect((await read(anna, id)).disabled_reason).toMatch(/HTTP 410/);
    expect(receiver.deliveries).toHaveLength(1);
  });

  test('stop while the owner is switched off, and go on afterwards', async () => {
    const carl = await api.user('carl');
    await create(carl, { types: ['accepted'] });
    await api.message(carl.id);
    await arrived(1);
    await api.accountsService.changeUser(carl.id, { enabled: false });
    await api.message(carl.id);
    await create(anna, { types: ['accepted'] });
    await api.message(anna.id);
    await arrived(2);
    expect(receiver.deliveries[1]?.event.owner_id).toBe(anna.id);
    await api.accountsService.changeUser(carl.id, { enabled: true });
    await arrived(3);
    expect(receiver.deliveries[2]?.event.owner_id).toBe(carl.id);
  });
});

describe('the secret', () => {
  test('can be changed while the old one still counts, and is shown nowhere else', async () => {
    const { id, secret } = await create(anna, { types: ['accepted'] });
    const rotated = await api.wire('POST', `/api/webhooks/${id}/rotate-secret`, { token: anna.token });
    const renewed = rotated.field('secret');
    expect(renewed).not.toBe(secret);
    expect(rotated.field('old_secret_until')).toBe(new Date(api.clock.now() + 86_400_000).toISOString());
    await api.message(anna.id);
    await arrived(1);
    const [both] = receiver.deliveries;
    if (both === undefined) throw new Error('no delivery');
    expect([isGenuine(both, renewed), isGenuine(both, secret)]).toEqual([true, true]);
    const shown = [
      await api.wire('GET', `/api/webhooks/${id}`, { token: anna.token }),
      await api.wire('GET', '/api/webhooks', { token: anna.token }),
      await api.wire('GET', `/api/audit-log?subject_id=${id}`, { token: admin.token }),
    ];
    for (const { text } of shown) {
      expect(text).not.toContain(renewed);
      expect(text).not.toContain('whsec_');
    }
    expect(JSON.stringify(await api.store.webhooks.get(id))).not.toContain(renewed.slice(6));
    expect(JSON.stringify(api.logged)).not.toContain(renewed.slice(6));

    api.clock.advance(86_400_000);
    await api.wire('POST', `/api/webhooks/${id}/test`, { token: (await relogin('anna')).token });
    api.clock.advance(-86_400_000);
    const test = receiver.deliveries.at(-1);
    if (test === undefined) throw new Error('no test');
    expect([isGenuine(test, renewed, 90_000), isGenuine(test, secret, 90_000)]).toEqual([true, false]);
  });
});

const relogin = async (name: string) => {
  const body = { email: `${name}@example.com`, password: 'password123' };
  return { token: (await api.wire('POST', '/api/auth/login', { body })).field('token') };
};

describe('a test', () => {
  test('is posted now, signed, and its outcome told', async () => {
    const { id, secret } = await create(anna, { enabled: false });
    const good = await api.wire('POST', `/api/webhooks/${id}/test`, { token: anna.token });
    expect(good.body).toEqual({ delivered: true, status: 204, reason: null, milliseconds: expect.any(Number) });
    const [delivery] = receiver.deliveries;
    if (delivery === undefined) throw new Error('no delivery');
    expect(delivery.event).toEqual({ type: 'test', at: expect.any(String), webhook_id: id });
    expect(isGenuine(delivery, secret)).toBe(true);
    receiver.behave(status(404));
    const bad = await api.wire('POST', `/api/webhooks/${id}/test`, { token: anna.token });
    expect(bad.body).toMatchObject({ delivered: false, status: 404, reason: 'HTTP 404' });
  });

  test('does not reach what is not public, behind a name either', async () => {
    const port = new URL(url).port;
    for (const target of [`https://localhost:${port}/`, `http://localhost:${port}/`]) {
      const { id } = await create(anna, { url: target, enabled: false });
      const outcome = await api.wire('POST', `/api/webhooks/${id}/test`, { token: anna.token });
      // localhost is 127.0.0.1, which is permitted here, and perhaps ::1, which is not.
      if (target.startsWith('http:')) expect(outcome.body).toMatchObject({ delivered: true });
      else expect(outcome.body).toMatchObject({ delivered: false, status: null });
    }
  });
});

describe('webhooks', () => {
  test('are refused for addresses that are not public', async () => {
    const targets = [
      'https://10.0.0.1/',
      'https://[::1]/',
      'https://169.254.169.254/',
      'http://192.0.2.1/',
      'https://a:b@c.example/',
    ];
    for (const target of targets.slice(0, 3).concat(targets.slice(4))) {
      const body = { name: 'x', url: target };
      const refused = await api.wire('POST', '/api/webhooks', { token: anna.token, body });
      expect([target, refused.status, refused.field('code')]).toEqual([target, 422, 'REQUEST_INVALID']);
      expect(refused.body).toMatchObject({ problems: [{ path: 'body.url' }] });
    }
    const { id } = await create(anna);
    expect((await change(anna, id, { url: 'https://192.168.0.1/' })).status).toBe(422);
  });

  test('are so many for one user and no more', async () => {
    for (let n = 0; n < 4; n += 1) await create(bert, { name: `${n}` });
    const body = { name: 'fifth', url };
    const refused = await api.wire('POST', '/api/webhooks', { token: bert.token, body });
    expect([refused.status, refused.field('code')]).toEqual([409, 'CONFLICT']);
    await create(anna);
  });

  test('are changed by version, seen by their owner only, and every change is audited', async () => {
    const { id, etag } = await create(anna, { name: 'before' });
    expect((await api.wire('PATCH', `/api/webhooks/${id}`, { token: anna.token, body: { name: 'x' } })).status).toBe(
      428,
    );
    const changed = await change(anna, id, { name: 'after', types: ['bounced'] }, etag);
    expect(changed.body).toMatchObject({ name: 'after', types: ['bounced'], url });
    expect((await change(anna, id, { name: 'late' }, etag)).status).toBe(412);
    expect((await change(bert, id, { name: 'mine' })).status).toBe(404);
    expect((await change(anna, id, { all_owners: true })).status).toBe(403);
    expect((await api.wire('GET', '/api/webhooks', { token: bert.token })).body).toMatchObject({ items: [] });
    const all = await api.wire('GET', `/api/webhooks?owner_id=${anna.id}`, { token: admin.token });
    expect(all.body).toMatchObject({ items: [{ id }], next: null });
    await api.wire('DELETE', `/api/webhooks/${id}`, { token: anna.token });
    expect((await api.wire('GET', `/api/webhooks/${id}`, { token: anna.token })).status).toBe(404);
    const audit = await api.wire('GET', `/api/audit-log?subject_id=${id}`, { token: admin.token });
    const { items } = audit.body as { items: { action: string }[] };
    expect(items.map(({ action }) => action)).toEqual(['webhook.delete', 'webhook.change', 'webhook.create']);
  });

  test('nobody owns what is made on the control socket', async () => {
    const body = { name: 'x', url };
    const key = { name: 'k', scopes: ['webhooks:read'] };
    const readOnly = await api.wire('POST', '/api/api-keys', { token: anna.token, body: key });
    expect((await api.wire('POST', '/api/webhooks', { token: readOnly.field('key'), body })).status).toBe(403);
    expect((await api.wire('GET', '/api/webhooks', { token: readOnly.field('key') })).status).toBe(200);
  });
});
