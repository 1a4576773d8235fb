import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SluiceError } from '../../../core/domain/errors.ts';
import { harakaPackage, installedPackage } from './home.ts';

/** Where a plugin's code is. A `package` is required as it stands; a `file` runs in a sandbox, as in Haraka. */
export interface PluginPlace {
  /** As plugins, results and logs name it: without `haraka-plugin-`. */
  readonly name: string;
  readonly kind: 'package' | 'file';
  /** The `package.json`, or the file itself. */
  readonly path: string;
}

/** Names that have moved; Haraka maps them, too. */
const successors: Readonly<Record<string, string>> = {
  'auth/auth_ldap': 'auth-ldap',
  backscatterer: 'dns-list',
  'connect.asn': 'asn',
  'connect.fcrdns': 'fcrdns',
  'connect.geoip': 'geoip',
  'connect.p0f': 'p0f',
  'connect.rdns_access': 'access',
  'data.headers': 'headers',
  'data.nomsgid': 'headers',
  'data.noreceived': 'headers',
  'data.rfc5322_header_checks': 'headers',
  'data.uribl': 'uribl',
  dkim_sign: 'dkim',
  dkim_verify: 'dkim',
  dnsbl: 'dns-list',
  dnswl: 'dns-list',
  'log.syslog': 'syslog',
  'mail_from.access': 'access',
  'mail_from.blocklist': 'access',
  'mail_from.nobounces': 'bounce',
  max_unrecognized_commands: 'limit',
  rate_limit: 'limit',
  'rcpt_to.access': 'access',
  'rcpt_to.blocklist': 'access',
  'rcpt_to.ldap': 'rcpt-ldap',
  'rcpt_to.max_count': 'limit',
  'rcpt_to.qmail_deliverable': 'qmail-deliverable',
  'rdns.regexp': 'access',
  relay_acl: 'relay',
  relay_all: 'relay',
  relay_force_routing: 'relay',
};

/** Plugins that come in the package `Haraka` and nowhere else; those of folders are told by the folder. */
const corePlugins = new Set([
  'block_me',
  'data.signatures',
  'delay_deny',
  'prevent_credential_leaks',
  'process_title',
  'profile',
  'rcpt_to.host_list_base',
  'rcpt_to.in_host_list',
  'record_envelope_addresses',
  'reseed_rng',
  'status',
  'tarpit',
  'tls',
  'toobusy',
  'xclient',
]);

const prefix = 'haraka-plugin-';

/** The name under which a plugin of the list is known. */
export function pluginName(listed: string): string {
  const name = listed.startsWith(prefix) ? listed.slice(prefix.length) : listed;
  return Object.hasOwn(successors, name) ? (successors[name] ?? name) : name;
}

/**
 * Looks where Haraka looks: the site's own files and packages first, then what the package `Haraka` brings, then what is
 * installed beside Sluice. Null where there is none.
 */
export function findPlugin(listed: string, home: string): PluginPlace | null {
  const name = pluginName(listed);
  if (name.split('/').includes('..')) return null;
  const core = harakaPackage(home);
  const file = (path: string): PluginPlace | null => (existsSync(path) ? { name, kind: 'file', path } : null);
  const manifest = (path: string): PluginPlace | null => (existsSync(path) ? { name, kind: 'package', path } : null);
  const installed = (start: string): PluginPlace | null => {
    const folder = installedPackage(`${prefix}${name}`, start);
    return folder === null ? null : manifest(join(folder, 'package.json'));
  };
  return (
    file(join(home, 'plugins', `${name}.js`)) ??
    installed(home) ??
    manifest(join(home, 'plugins', name, 'package.json')) ??
    manifest(join(home, 'node_modules', name, 'package.json')) ??
    (core === null ? null : (file(join(core, 'plugins', `${name}.js`)) ?? installed(core))) ??
    installed(import.meta.dirname)
  );
}

/** The command that would bring a plugin which is not there. */
export function installCommand(listed: string, home: string): string {
  const name = pluginName(listed);
  const core = corePlugins.has(name) || name.includes('/');
  return `cd ${home} && npm install ${core ? 'Haraka' : `${prefix}${name}`}`;
}

/** Throws `PLUGIN_UNKNOWN`, which names the command that installs it. */
export function placeOf(listed: string, home: string): PluginPlace {
  const found = findPlugin(listed, home);
  if (found !== null) return found;
  throw new SluiceError(
    'PLUGIN_UNKNOWN',
    `The Haraka plugin ${listed} cannot be found from ${home}. Install it: ${installCommand(listed, home)}`,
  );
}

/** Folder whose `config/` holds the defaults that came with the plugin. */
export const defaultsOf = (place: PluginPlace, home: string): string =>
  place.kind === 'package' ? dirname(place.path) : (harakaPackage(home) ?? home);
