import { certificateOf, listenersOf, proxies } from './listeners.ts';
import type { ServerSetting } from './report.ts';
import { retryTimes } from './retry-times.ts';
import type { ServerFiles } from './server-files.ts';

/** What a setting of Haraka's server is here; `setting` gives its text. */
type Meaning = (files: ServerFiles, text: string) => Pick<ServerSetting, 'becomes' | 'note'>;

const becomes = (path: string, value: unknown, note: string | null = null) => ({ becomes: { path, value }, note });
const nothing = (note: string) => ({ becomes: null, note });
const seen = nothing('has no equivalent: words of the server are those of Sluice');

/** At least what Sluice takes for the setting; larger values as they are. */
const atLeast = (text: string, least: number): number => Math.max(Number(text) || least, least);
const octets = (text: string): string =>
  Number(text) % 1_048_576 === 0 ? `${Number(text) / 1_048_576}MB` : `${Number(text)}B`;

const tlsVersion = (text: string): string => (text === 'TLSv1.3' ? text : 'TLSv1.2');

const logLevels: Readonly<Record<string, string>> = {
  data: 'trace',
  protocol: 'trace',
  debug: 'trace',
  info: 'info',
  notice: 'info',
  warn: 'warn',
  error: 'error',
  crit: 'error',
  alert: 'error',
  emerg: 'fatal',
};

const service = nothing('is the business of what starts Sluice: a systemd unit, a container');
const listeners = nothing('stands in smtp.listeners');

/** By file, section and key. Settings that plugins or the bridge still read from the folder are not here. */
const meanings: Readonly<Record<string, Meaning>> = {
  'smtp.ini main.smtps_port': () => listeners,
  'smtp.ini main.inactivity_timeout': (_, text) => becomes('smtp.limits.command_timeout', `${Number(text)}s`),
  'smtp.ini main.nodes': () =>
    nothing('embedded, threads share the work; in a cluster it is smtp.processes of `sluice start smtp`'),
  'smtp.ini main.user': () => service,
  'smtp.ini main.group': () => service,
  'smtp.ini main.daemonize': () => service,
  'smtp.ini main.daemon_log_file': () => service,
  'smtp.ini main.daemon_pid_file': () => service,
  'smtp.ini main.graceful_shutdown': () => nothing('always: SIGTERM lets what is under way end within 30 s'),
  'smtp.ini main.force_shutdown_timeout': () => nothing('30 s'),
  'smtp.ini main.ignore_bad_plugins': () => nothing('is not heeded: a plugin that cannot load stops the start'),
  'connection.ini main.strict_rfc1869': () => nothing('Sluice judges the grammar of commands'),
  'connection.ini main.postel': () => nothing('Sluice judges addresses: see smtp.addresses'),
  'connection.ini main.smtputf8': () => nothing('SMTPUTF8 is always announced'),
  'connection.ini haproxy.hosts': (files) =>
    proxies(files).length === 0 ? listeners : becomes('smtp.listeners.*.proxy_protocol', proxies(files)),
  'connection.ini haproxy.enabled': () => listeners,
  'connection.ini headers.add_received': () => nothing('Received is always added'),
  'connection.ini headers.clean_auth_results': () => nothing('is not done by Sluice itself'),
  'connection.ini headers.show_version': () => nothing('no version is shown'),
  'connection.ini headers.max_received': (_, text) => becomes('smtp.limits.hops', atLeast(text, 1)),
  'connection.ini max.bytes': (_, text) =>
    Number(text) > 0 ? becomes('smtp.limits.size', octets(text)) : nothing('there is always a limit: smtp.limits.size'),
  'connection.ini max.line_length': (_, text) =>
    Number(text) > 2_048 ? becomes('smtp.limits.command_length', Number(text)) : nothing('2048 octets are taken'),
  'connection.ini max.data_line_length': () =>
    nothing('lines are never broken up; longer ones than smtp.limits.line_length are refused'),
  'connection.ini max.mime_parts': () => nothing('has no equivalent'),
  'connection.ini message.greeting': () => seen,
  'connection.ini message.helo': () => seen,
  'connection.ini message.close': () => seen,
  'connection.ini uuid.banner_chars': () => seen,
  'connection.ini uuid.deny_chars': () => seen,
  'tls.ini main.minVersion': (_, text) => becomes('smtp.tls.minimum_version', tlsVersion(text)),
  'tls.ini main.no_starttls_ports': () => listeners,
  'outbound.ini main.disabled': () => nothing('without the plugin `delivery` nothing is queued'),
  'outbound.ini main.concurrency_max': (_, text) => becomes('worker.concurrency', atLeast(text, 1)),
  'outbound.ini main.connect_timeout': (_, text) =>
    nothing(`is the upstream's: timeouts: { connect: ${Number(text)}s } (plugin delivery)`),
  'outbound.ini main.enable_tls': () =>
    nothing("heeded for mail that a plugin routes (get_mx); else it is the upstream's: tls (plugin delivery)"),
  'outbound.ini main.local_mx_ok': () => nothing('mail goes to upstreams, not to MX hosts of its own choice'),
  'outbound.ini main.inet_prefer': () => nothing('has no equivalent'),
  'outbound.ini main.always_split': () => nothing('recipients of one upstream share a transaction'),
  'log.ini main.level': (_, text) =>
    becomes('log.level', logLevels[text.toLowerCase()] ?? 'info', 'lines that plugins write at INFO appear at `debug`'),
  'log.ini main.format': () => nothing('the log is JSON, one object a line'),
  'log.ini main.timestamps': () => nothing('every line has its time'),
  'http.ini main.listen': () => nothing("there is no web server of Haraka's; the API has its own: api.port"),
};

/** Every setting of the server in the folder, with what it is in Sluice. */
export function serverSettings(files: ServerFiles, home: string, plugins: readonly string[]): ServerSetting[] {
  const rows: ServerSetting[] = [];
  const name = files.value('me');
  if (name !== undefined) {
    rows.push({ file: 'me', setting: null, value: name, ...becomes('hostname', name, 'plugins still read `me`') });
  }
  for (const [place, meaning] of Object.entries(meanings)) {
    const [file = '', setting = ''] = place.split(' ');
    const [section = '', key = ''] = setting.split('.');
    const text = files.text(file, section, key);
    if (text !== undefined) rows.push({ file, setting, value: text, ...meaning(files, text) });
  }
  rows.push(...together(files, home, plugins));
  return rows;
}

/** What several settings, or files as a whole, come to. */
function together(files: ServerFiles, home: string, plugins: readonly string[]): ServerSetting[] {
  const rows: ServerSetting[] = [];
  const [listen, port] = ['listen', 'port'].map((key) => files.text('smtp.ini', 'main', key));
  const found = listenersOf(files, plugins);
  rows.push({
    file: 'smtp.ini',
    setting: listen === undefined && port !== undefined ? 'main.port' : 'main.listen',
    value: [port, listen].filter((each) => each !== undefined).join(', ') || '(default)',
    ...becomes('smtp.listeners', found),
  });
  const tls = certificateOf(files, home);
  if (tls !== null && (!plugins.includes('tls') || found.some((listener) => listener.tls === 'implicit'))) {
    const note = 'for what Sluice encrypts itself; STARTTLS of the plugin tls has those of tls.ini';
    rows.push({
      file: 'tls.ini',
      setting: 'main.cert, main.key',
      value: tls.certificate,
      ...becomes('smtp.tls', tls, note),
    });
  }
  for (const key of ['temp_fail_intervals', 'maxTempFailures']) {
    const value = files.text('outbound.ini', 'main', key);
    if (value === undefined) continue;
    const row = { file: 'outbound.ini', setting: `main.${key}`, value };
    const retry = retryTimes(files);
    if (retry === null) rows.push({ ...row, ...nothing('cannot be said so: see worker.retry and worker.max_age') });
    else {
      rows.push({ ...row, ...becomes('worker.retry', { first: retry.first, most: retry.most }) });
      rows.push({ ...row, ...becomes('worker.max_age', retry.maxAge, 'the sum of the waits') });
    }
    break;
  }
  rows.push(...unread(files, plugins));
  return rows;
}

/** Files that only a plugin reads, where that plugin does not run; and those that nobody reads here. */
function unread(files: ServerFiles, plugins: readonly string[]): ServerSetting[] {
  const rows: ServerSetting[] = [];
  const readers: readonly (readonly [string, readonly string[], string])[] = [
    ['host_list', ['rcpt_to.in_host_list'], 'Sluice itself knows no domains of its own'],
    ['aliases', ['aliases'], 'Sluice itself has no aliases'],
  ];
  for (const [file, plugin, note] of readers) {
    if (!files.has(file) || plugin.some((each) => plugins.includes(each))) continue;
    rows.push({ file, setting: null, value: '…', ...nothing(`read by the plugin ${plugin[0]} only; ${note}`) });
  }
  if (files.has('internalcmd_key')) {
    rows.push({
      file: 'internalcmd_key',
      setting: null,
      value: '…',
      ...nothing('`sluice queue` does what INTERNALCMD did'),
    });
  }
  if (files.has('outbound.bounce_message')) {
    const note = 'reports are those of RFC 3464; their words cannot be changed';
    rows.push({ file: 'outbound.bounce_message', setting: null, value: '…', ...nothing(note) });
  }
  return rows;
}
