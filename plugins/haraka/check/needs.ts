import { existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { HarakaFiles } from 'haraka-config';
import type { Need } from './report.ts';
import type { Sections } from './trial.ts';

/** Where a plugin's settings name what it talks to: the first of these that is set, else what it assumes. */
interface Named {
  readonly file: string;
  /** `section.key`; several are joined as host and port. */
  readonly settings: readonly string[];
  readonly otherwise: string | null;
}

interface Known {
  readonly what: string;
  readonly named?: Named;
  /** Names of a program on PATH, or a path: looked for. */
  readonly program?: string;
}

const daemon = (what: string, file: string, settings: readonly string[], otherwise: string | null): Known => ({
  what,
  named: { file, settings, otherwise },
});
const address = ['main.host', 'main.port'];
const dns: Known = { what: 'DNS' };
const maxmind = daemon('databases of MaxMind', 'geoip.ini', ['main.dbdir'], '/usr/local/share/GeoIP');

/** What plugins of Haraka's project talk to, by name; settings and defaults as their own documentation has them. */
const known: Readonly<Record<string, readonly Known[]>> = {
  asn: [dns],
  attachment: [{ what: 'program bsdtar, for names of files in archives', program: 'bsdtar' }],
  'auth-ldap': [{ what: 'an LDAP server' }],
  'auth/auth_bridge': [daemon('an SMTP server that checks logins', 'smtp_bridge.ini', address, null)],
  'auth/auth_proxy': [{ what: 'the SMTP servers of auth_proxy.ini, which check logins' }],
  'auth/auth_vpopmaild': [daemon('vpopmaild', 'auth_vpopmaild.ini', address, '127.0.0.1:89')],
  avg: [daemon('avgd', 'avg.ini', address, '127.0.0.1:54322')],
  clamd: [daemon('clamd', 'clamd.ini', ['main.clamd_socket'], 'localhost:3310')],
  dcc: [daemon('dccifd', 'dcc.ini', ['dccifd.path'], '/var/dcc/dccifd')],
  'dns-list': [dns],
  dkim: [dns],
  elasticsearch: [{ what: 'Elasticsearch' }],
  esets: [{ what: 'program esets_cli', program: '/opt/eset/esets/bin/esets_cli' }],
  fcrdns: [dns],
  geoip: [maxmind],
  'helo.checks': [dns],
  'mail_from.is_resolvable': [dns],
  messagesniffer: [daemon('SNF', 'messagesniffer.ini', ['main.port'], '9001')],
  p0f: [{ what: 'p0f' }],
  'qmail-deliverable': [daemon('qmail-deliverabled', 'qmail-deliverable.ini', address, '127.0.0.1:8998')],
  'queue/lmtp': [daemon('an LMTP server', 'lmtp.ini', address, null)],
  'queue/qmail-queue': [{ what: 'program qmail-queue', program: '/var/qmail/bin/qmail-queue' }],
  'queue/smtp_forward': [daemon('the SMTP server behind', 'smtp_forward.ini', address, 'localhost:2555')],
  'queue/smtp_proxy': [daemon('the SMTP server behind', 'smtp_proxy.ini', address, 'localhost:2555')],
  'rcpt-ldap': [{ what: 'an LDAP server' }],
  rspamd: [daemon('rspamd', 'rspamd.ini', address, 'localhost:11333')],
  spamassassin: [daemon('spamd', 'spamassassin.ini', ['main.spamd_socket'], '127.0.0.1:783')],
  spf: [dns],
  uribl: [dns],
};

/** A plugin, as far as it shows what it needs. */
export interface Needy {
  readonly name: string;
  readonly config: HarakaFiles;
  /** Plugins it inherits from. */
  readonly base: Readonly<Record<string, unknown>>;
}

/** What a registered plugin needs beside it, as far as it can be told. Nothing is connected to. */
export function needsOf(plugin: Needy): Need[] {
  const needs = (known[plugin.name] ?? []).map((each) => need(each, plugin.config));
  const onRedis = plugin.name === 'redis' || Object.keys(plugin.base).some((parent) => parent.endsWith('redis'));
  return onRedis ? [...needs, redis(plugin)] : needs;
}

function need({ what, named, program }: Known, files: HarakaFiles): Need {
  if (program !== undefined) {
    const where = find(program);
    return { what, where: where ?? program, present: where !== null };
  }
  return { what, where: named === undefined ? null : settingOf(files, named), present: null };
}

/** The plugin's own section `redis` counts over redis.ini. */
function redis({ name, config }: Needy): Need {
  const shared = { file: 'redis.ini', settings: ['server.host', 'server.port'], otherwise: null };
  const own = { file: `${name}.ini`, settings: ['redis.host', 'redis.port'], otherwise: null };
  return {
    what: 'Redis',
    where: settingOf(config, own) ?? settingOf(config, shared) ?? '127.0.0.1:6379',
    present: null,
  };
}

function settingOf(files: HarakaFiles, { file, settings, otherwise }: Named): string | null {
  const sections = files.get(file) as Sections;
  const values = settings.map((setting) => {
    const [section = '', key = ''] = setting.split('.');
    return sections[section]?.[key];
  });
  const set = values.filter((value) => value !== undefined && value !== null && value !== '');
  return set.length === 0 ? otherwise : set.map(String).join(':');
}

function find(program: string): string | null {
  if (isAbsolute(program)) return existsSync(program) ? program : null;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}
