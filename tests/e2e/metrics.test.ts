import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { ConfigInput } from '../../core/config/schema.ts';
import { createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { freePorts } from '../support/free-port.ts';
import { repository, type Sluice, startSluice } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { waitFor } from '../support/wait-for.ts';

/* What Prometheus reads from a running process, and whether dashboard and alerts ask for what is there. */

let relay: Sluice;
let credential: SmtpCredential;
let url: string;

beforeAll(async () => {
  const [port = 0] = await freePorts(1);
  url = `http://127.0.0.1:${port}/metrics`;
  // Plugins are counted by their ids, whatever they are.
  const named = (plugin: ConfigInput['plugins'][number]) =>
    plugin.use === 'quota' ? { ...plugin, id: 'team-quota' } : plugin;
  relay = await startSluice({
    configure: (config) => ({ ...config, observability: { port }, plugins: config.plugins.map(named) }),
  });
  credential = await createCredential(await registerFirst(relay.api), { hourly_quota: 1 });
});
afterAll(() => relay?.stop());

const scrape = async (): Promise<string> => {
  const answer = await fetch(url);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return answer.text();
};

/** The value of a sample by its whole name, labels included; undefined where there is none. */
const sample = (text: string, name: string): number | undefined => {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
};

test('counts what is accepted, refused and delivered, in both threads', async () => {
  await using client = await SmtpDialogue.open(relay.ports.smtp);
  await client.expect(250, 'EHLO client.test');
  await client.startTls();
  await client.expect(250, 'EHLO client.test');
  expect((await client.command('MAIL FROM:<me@example.com>')).code).toBe(530);
  expect((await client.login(credential.username, credential.password)).code).toBe(235);
  await client.expect(250, 'MAIL FROM:<me@example.com>');
  await client.expect(250, 'RCPT TO:<one@example.org>');
  expect((await client.command('RCPT TO:<two@example.org>')).code).toBe(452);
  await client.expect(354, 'DATA');
  await client.expect(250, 'From: me@example.com\r\n\r\nhello\r\n.');
  const captured = 'sluice_delivery_results_total{upstream="default",state="captured"}';
  // The queue is looked at once a second, however often it is asked for.
  const text = await waitFor('the delivery', async () => {
    const now = await scrape();
    return sample(now, captured) === 1 && sample(now, 'sluice_queue_messages') === 0 ? now : undefined;
  });
  expect(sample(text, 'sluice_messages_accepted_total')).toBe(1);
  expect(sample(text, 'sluice_refusals_total{hook="rcptTo",plugin="team-quota",verdict="defer"}')).toBe(1);
  expect(sample(text, 'sluice_quota_refusals_total{plugin="team-quota"}')).toBe(1);
  expect(sample(text, 'sluice_core_refusals_total{code="530",enhanced="5.7.0"}')).toBe(1);
  expect(text.match(/^sluice_core_refusals_total/gm)).toHaveLength(1);
  expect(sample(text, 'sluice_queue_oldest_seconds')).toBe(0);
  expect(sample(text, 'sluice_store_up')).toBe(1);
  expect(sample(text, 'sluice_upstream_state{upstream="default",state="up"}')).toBe(1);
  expect(sample(text, 'sluice_hook_duration_seconds_count{hook="rcptTo",plugin="team-quota"}')).toBe(2);
  expect(sample(text, 'sluice_hook_duration_seconds_bucket{hook="rcptTo",plugin="team-quota",le="+Inf"}')).toBe(2);
  expect(sample(text, 'sluice_hook_duration_seconds_count{hook="deliver",plugin="delivery"}')).toBe(1);
  expect(sample(text, 'nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);
  expect(sample(text, 'sluice_relay_event_loop_delay_seconds{quantile="0.99"}')).toBeGreaterThanOrEqual(0);
});

test('the same port tells how the process is, and nothing else', async () => {
  const ask = (path: string, method = 'GET') => fetch(new URL(path, url), { method });
  for (const path of ['/health', '/health/ready']) {
    const answer = await ask(path);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: 'ok', store: 'up' });
  }
  expect(await (await ask('/health/live')).json()).toEqual({ status: 'ok' });
  expect((await ask('/')).status).toBe(404);
  expect((await ask('/health', 'POST')).status).toBe(405);
});

test('labels tell nothing of people, addresses or mail', async () => {
  const text = await scrape();
  for (const secret of ['example.com', 'example.org', credential.username, credential.id, '127.0.0.1']) {
    expect(text).not.toContain(secret);
  }
});

test('dashboard and alerts ask only for metrics that are there', async () => {
  const text = await scrape();
  const known = new Set([...text.matchAll(/^([a-z_][a-z0-9_]*)[{ ]/gm)].map(([, name]) => name));
  const dashboard: { panels: { targets: { expr: string }[] }[] } = JSON.parse(
    await readFile(join(repository, 'deploy/grafana/sluice.json'), 'utf8'),
  );
  const rules: { groups: { rules: { alert: string; expr: string }[] }[] } = parse(
    await readFile(join(repository, 'deploy/prometheus/alerts.yml'), 'utf8'),
  );
  const alerts = rules.groups.flatMap((group) => group.rules);
  const expressions = [
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...alerts.map(({ expr }) => expr),
  ];
  const asked = new Set(expressions.flatMap((one) => one.match(/\b(?:sluice|nodejs|process)_[a-z0-9_]+/g) ?? []));
  expect(asked.size).toBeGreaterThan(12);
  expect([...asked].filter((name) => !known.has(name))).toEqual([]);
  const ours = new Set([...text.matchAll(/^# TYPE (sluice_\w+)/gm)].map(([, name]) => name));
  const shown = [...asked].map((name) => name.replace(/_(?:bucket|sum|count)$/, ''));
  expect([...ours].filter((name) => !shown.includes(String(name)))).toEqual([]);
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
});

test('nothing else is there, and nothing can be sent', async () => {
  expect((await fetch(url.replace('/metrics', '/'))).status).toBe(404);
  expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405);
  const head = await fetch(url, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('a port that is taken is told, and mail is taken all the same', async () => {
  await using second = await startSluice({
    configure: (config) => ({ ...config, observability: { port: Number(new URL(url).port) } }),
  });
  expect(second.output()).toContain('observability.port cannot be listened on');
  expect((await fetch(`${second.api}/health`)).status).toBe(200);
});
