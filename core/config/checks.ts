import { join } from 'node:path';
import { parseNetwork } from '../domain/ip-network.ts';
import { suggestion } from './nearest-name.ts';
import type { Config, ListenerConfig } from './schema.ts';
import type { SettingPath } from './setting-path.ts';

/** Something that no single setting shows: two of them do not fit together, or a name leads nowhere. */
export interface Finding {
  readonly path: SettingPath;
  readonly message: string;
}

export interface Findings {
  readonly problems: Finding[];
  readonly warnings: Finding[];
}

const loopback = /^(?:127\.|::1$|localhost$)/;
const everywhere = new Set(['::', '0.0.0.0']);

const meets = (one: string, other: string): boolean => one === other || everywhere.has(one) || everywhere.has(other);

function listeners(config: Config, { problems, warnings }: Findings): void {
  const taken = [{ path: ['api', 'port'], what: 'the API', address: config.api.address, port: config.api.port }];
  const enabled = config.smtp.listeners.filter((listener) => listener.enabled);
  if (enabled.length === 0)
    warnings.push({ path: ['smtp', 'listeners'], message: 'none is enabled: no mail is taken' });
  for (const listener of enabled) {
    const path = ['smtp', 'listeners', listener.name];
    const clash = taken.find((other) => other.port === listener.port && meets(other.address, listener.address));
    if (clash !== undefined && listener.port !== 0) {
      problems.push({
        path: [...path, 'port'],
        message: `${listener.port} is the port of ${clash.what} already; choose another`,
      });
    }
    taken.push({ path, what: `the listener ${listener.name}`, address: listener.address, port: listener.port });
    listenerPolicy(listener, path, warnings);
  }
}

function listenerPolicy(listener: ListenerConfig, path: SettingPath, warnings: Finding[]): void {
  const open = !loopback.test(listener.address);
  if (open && !listener.require_login) {
    warnings.push({
      path: [...path, 'require_login'],
      message: `asks no login although ${listener.address} can be reached from outside`,
    });
  }
  if (open && listener.auth_without_tls) {
    warnings.push({
      path: [...path, 'auth_without_tls'],
      message: `takes passwords in clear although ${listener.address} can be reached from outside`,
    });
  }
  if (listener.tls === 'none' && !listener.auth_without_tls && listener.require_login) {
    warnings.push({
      path: [...path, 'tls'],
      message: 'offers neither TLS nor a login in clear, so nobody can log in here',
    });
  }
  for (const trusted of listener.trusted_networks) {
    if (!trusted.networks.some((network) => parseNetwork(network)?.prefix === 0)) continue;
    warnings.push({
      path: [...path, 'trusted_networks', trusted.name],
      message: 'holds every address there is: whoever reaches this listener may relay',
    });
  }
}

function plugins(config: Config, { problems, warnings }: Findings): void {
  const keys = config.plugins.map((entry) => entry.id ?? entry.use);
  const names = config.smtp.listeners.map((listener) => listener.name);
  config.plugins.forEach((entry, index) => {
    const key = keys[index] ?? entry.use;
    const path = ['plugins', key];
    for (const name of entry.listeners ?? []) {
      if (names.includes(name)) continue;
      problems.push({
        path: [...path, 'listeners'],
        message: `there is no listener ${name}${suggestion(name, names)}`,
      });
    }
    for (const side of ['before', 'after'] as const) {
      for (const id of entry[side]) {
        if (id === key) problems.push({ path: [...path, side], message: 'names the plugin itself' });
        else if (!keys.includes(id)) {
          problems.push({ path: [...path, side], message: `there is no plugin ${id}${suggestion(id, keys)}` });
        }
      }
    }
  });
  const uses = new Set(config.plugins.filter((entry) => entry.enabled).map((entry) => entry.use));
  if (!uses.has('delivery')) {
    warnings.push({ path: ['plugins'], message: 'without the plugin `delivery` all mail is answered 451' });
  }
  const login = config.smtp.listeners.some((listener) => listener.enabled && listener.require_login);
  if (login && !uses.has('auth')) {
    warnings.push({
      path: ['plugins'],
      message: 'without the plugin `auth` nobody can log in, though a listener asks for it',
    });
  }
}

function spans(config: Config, { problems }: Findings): void {
  const { worker, smtp } = config;
  const rules: readonly [SettingPath, number, string, number, string][] = [
    [['worker', 'lease_renewal'], worker.lease_renewal, 'worker.lease', worker.lease - 1, 'shorter than'],
    [['worker', 'retry', 'first'], worker.retry.first, 'worker.retry.most', worker.retry.most, 'no longer than'],
    [['worker', 'retry', 'first'], worker.retry.first, 'worker.max_age', worker.max_age, 'no longer than'],
    [
      ['smtp', 'limits', 'command_timeout'],
      smtp.limits.command_timeout,
      'session_timeout',
      smtp.limits.session_timeout,
      'no longer than',
    ],
    [
      ['smtp', 'limits', 'data_timeout'],
      smtp.limits.data_timeout,
      'session_timeout',
      smtp.limits.session_timeout,
      'no longer than',
    ],
    [
      ['smtp', 'limits', 'session_age'],
      smtp.limits.session_age,
      'session_timeout',
      smtp.limits.session_timeout,
      'no longer than',
    ],
  ];
  for (const [path, value, other, most, word] of rules) {
    if (value > most) problems.push({ path, message: `has to be ${word} ${other}` });
  }
}

function api(config: Config, { warnings }: Findings): void {
  const { setup_networks, trusted_proxies, webhooks } = config.api;
  const lists: readonly [SettingPath, readonly string[]][] = [
    [['api', 'setup_networks'], setup_networks],
    [['api', 'trusted_proxies'], trusted_proxies],
    [['api', 'webhooks', 'allow_networks'], webhooks.allow_networks],
  ];
  for (const [path, networks] of lists) {
    if (!networks.some((network) => parseNetwork(network)?.prefix === 0)) continue;
    warnings.push({ path, message: 'holds every address there is' });
  }
  const { daily_default: daily, hourly_default: hourly } = config.quotas;
  if (hourly > daily) {
    warnings.push({
      path: ['quotas', 'hourly_default'],
      message: `is more than daily_default (${daily}), so it never counts`,
    });
  }
  if (config.jwt_secret !== undefined && config.jwt_secret.length < 32) {
    warnings.push({
      path: ['jwt_secret'],
      message: 'is short; take at least 32 random characters (openssl rand -hex 32)',
    });
  }
}

/** Longest path of a Unix socket on Linux and, a little shorter, on macOS. */
const socketPathBytes = 103;

function dataFolder(config: Config, { problems }: Findings): void {
  const bytes = Buffer.byteLength(join(config.data_dir, 'control.sock'));
  if (bytes <= socketPathBytes) return;
  problems.push({
    path: ['data_dir'],
    message: `${config.data_dir} is ${bytes - socketPathBytes} bytes too long for the control socket in it; choose a shorter path`,
  });
}

/** Looks at settings together. Certificates are looked at by `certificateProblem`. */
export function checkTogether(config: Config): Findings {
  const findings: Findings = { problems: [], warnings: [] };
  for (const check of [dataFolder, listeners, plugins, spans, api]) check(config, findings);
  return findings;
}
