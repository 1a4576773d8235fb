import { describe, expect, test } from 'vitest';
import { listenersOf } from './listeners.ts';
import { retryTimes } from './retry-times.ts';
import { ServerFiles } from './server-files.ts';
import { serverSettings } from './server-settings.ts';
import { forwardedTo } from './upstreams.ts';

const files = (given: Record<string, unknown>): ServerFiles => new ServerFiles(given);
const smtp = (main: Record<string, unknown>) => files({ 'smtp.ini': { main } });
const outbound = (main: Record<string, unknown>) => files({ 'outbound.ini': { main } });

describe('listeners', () => {
  const places = (given: ServerFiles) => listenersOf(given, []).map(({ name, address, port }) => [name, address, port]);

  test('are where Haraka listens', () => {
    expect(places(files({}))).toEqual([['smtp', '::', 25]]);
    expect(places(smtp({ listen: '[::0]:25, 192.0.2.1:587,[2001:db8::1]:25' }))).toEqual([
      ['smtp', '::', 25],
      ['submission', '192.0.2.1', 587],
      ['smtp-2', '2001:db8::1', 25],
    ]);
    expect(places(smtp({ listen: '0.0.0.0' }))).toEqual([['smtp', '0.0.0.0', 25]]);
    expect(places(smtp({ port: 2525, listen_host: '127.0.0.1' }))).toEqual([['port-2525', '127.0.0.1', 2525]]);
  });

  test('hand STARTTLS and AUTH to the plugins that do it, but not where all is encrypted or nothing shall be', () => {
    const given = files({
      'smtp.ini': { main: { listen: '[::0]:25,[::0]:465,[::0]:2525' } },
      'tls.ini': { main: { no_starttls_ports: ['2525'] } },
    });
    const [plain, encrypted, without] = listenersOf(given, ['tls', 'auth/flat_file']);
    expect(plain).toMatchObject({ starttls: 'plugin', auth: 'plugin', require_login: false });
    expect(encrypted).toMatchObject({ tls: 'implicit', auth: 'plugin' });
    expect(without).toMatchObject({ tls: 'none', auth: 'plugin' });
    expect([encrypted?.starttls, without?.starttls]).toEqual([undefined, undefined]);
    expect(listenersOf(smtp({ listen: '[::0]:2465', smtps_port: 2465 }), [])[0]).toMatchObject({ tls: 'implicit' });
  });

  test('know the peers that begin with a PROXY header', () => {
    const hosts = ['192.0.2.4', '[2001:db8::1]', '198.51.100.0/24'];
    const given = (enabled?: string) =>
      files({ 'connection.ini': { haproxy: { hosts, ...(enabled && { enabled }) } } });
    expect(listenersOf(given(), [])[0]?.proxy_protocol).toEqual(['192.0.2.4', '2001:db8::1', '198.51.100.0/24']);
    expect(listenersOf(given('false'), [])[0]?.proxy_protocol).toBeUndefined();
  });
});

test('waits between tries: written out, or doubled as often as is allowed', () => {
  expect(retryTimes(outbound({ temp_fail_intervals: '1m, 5m*2, 1h*3' }))).toEqual({
    first: '1m',
    most: '1h',
    maxAge: '191m',
  });
  // 64 s + 128 s + 256 s.
  expect(retryTimes(outbound({ maxTempFailures: 4 }))).toEqual({ first: '64s', most: '256s', maxAge: '448s' });
  expect(retryTimes(outbound({ temp_fail_intervals: 'soon' }))).toBeNull();
  expect(retryTimes(outbound({ temp_fail_intervals: 'none' }))).toBeNull();
  expect(retryTimes(files({}))).toBeNull();
});

test('a forwarding plugin becomes upstreams: by recipient, or by sender, the login without its password', () => {
  const given = files({
    'smtp_forward.ini': {
      main: { host: '10.0.0.1', port: 25, auth_user: 'me', auth_pass: 'planted', enable_outbound: 'true' },
      tls: { minVersion: 'TLSv1.2' },
      'example.com': { host: '10.0.0.2', enable_tls: 'true', enable_outbound: 'false' },
      'someone@example.net': { host: '10.0.0.3' },
    },
  });
  const found = forwardedTo(given, ['queue/smtp_forward']);
  expect(found.map(({ upstream }) => upstream)).toEqual([
    { name: 'default', host: '10.0.0.1', port: 25, tls: 'none', username: 'me' },
    {
      name: 'to-example-com',
      host: '10.0.0.2',
      port: 25,
      tls: 'starttls',
      username: 'me',
      recipient_domains: ['example.com'],
    },
  ]);
  expect(found.map((each) => each.outbound)).toEqual([true, false]);
  expect(JSON.stringify(found)).not.toContain('planted');
  expect(forwardedTo(given, ['queue/smtp_proxy'])[0]?.upstream).toMatchObject({ host: 'localhost', port: 2555 });
  expect(forwardedTo(given, ['access'])).toEqual([]);
  const bySender = files({ 'smtp_forward.ini': { main: { domain_selector: 'mail_from' }, 'example.com': {} } });
  expect(forwardedTo(bySender, ['queue/smtp_forward'])[1]?.upstream).toMatchObject({ sender_domains: ['example.com'] });
});

test('every setting of the server that is set has its line, and no other', () => {
  const given = files({
    me: 'mx.example.com',
    'smtp.ini': { main: { nodes: 'cpus', inactivity_timeout: 120, ignore_bad_plugins: 1, user: 'smtp' } },
    'connection.ini': { max: { bytes: 1_000_000, line_length: 512 }, headers: { max_received: 7 } },
    'tls.ini': { main: { minVersion: 'TLSv1.1', cert: 'own.pem' } },
    'log.ini': { main: { level: 'notice' } },
    host_list: 'example.com',
  });
  const rows = serverSettings(given, '/haraka', ['access']);
  const become = Object.fromEntries(
    rows.flatMap(({ becomes }) => (becomes === null ? [] : [[becomes.path, becomes.value]])),
  );
  expect(become).toEqual({
    hostname: 'mx.example.com',
    'smtp.limits.command_timeout': '120s',
    'smtp.limits.size': '1000000B',
    'smtp.limits.hops': 7,
    'smtp.tls.minimum_version': 'TLSv1.2',
    'smtp.tls': { certificate: '/haraka/config/own.pem', key: '/haraka/config/tls_key.pem' },
    'log.level': 'info',
    'smtp.listeners': [{ name: 'smtp', address: '::', port: 25, require_login: false }],
  });
  const notes = Object.fromEntries(
    rows.flatMap(({ becomes, file, setting, note }) => (becomes === null ? [[`${file} ${setting}`, note]] : [])),
  );
  expect(Object.keys(notes)).toEqual([
    'smtp.ini main.nodes',
    'smtp.ini main.user',
    'smtp.ini main.ignore_bad_plugins',
    'connection.ini max.line_length',
    'host_list null',
  ]);
  expect(notes['smtp.ini main.ignore_bad_plugins']).toContain('stops the start');
  expect(serverSettings(given, '/haraka', ['rcpt_to.in_host_list']).map(({ file }) => file)).not.toContain('host_list');
});
