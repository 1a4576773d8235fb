import { isAbsolute, join } from 'node:path';
import type { ConfigInput } from '../../../core/config/schema.ts';
import type { ServerFiles } from './server-files.ts';

type Listener = NonNullable<ConfigInput['smtp']>['listeners'][number];

const conventional: Readonly<Record<number, string>> = { 25: 'smtp', 465: 'submissions', 587: 'submission' };

/** `[::0]:25`, `192.0.2.1:587`, `25`; Haraka's own default where there is none. */
function endpoints(files: ServerFiles): { address: string; port: number }[] {
  const written = (files.text('smtp.ini', 'main', 'listen') ?? '').split(/\s*,\s*/).filter((each) => each !== '');
  const single = files.number('smtp.ini', 'main', 'port');
  const host = files.text('smtp.ini', 'main', 'listen_host') ?? '::0';
  const all = [...(single === undefined ? [] : [`[${host.replaceAll(/[[\]]/g, '')}]:${single}`]), ...written];
  return (all.length === 0 ? ['[::0]:25'] : all).map((text) => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
    const address = bracketed ?? plain ?? text;
    const isPort = bracketed === undefined && port === undefined && /^\d+$/.test(address);
    if (isPort) return { address: '::', port: Number(address) };
    return { address: address === '' || address === '::0' ? '::' : address, port: Number(port ?? 25) };
  });
}

/** The listeners that answer where Haraka does, and the same way: `plugins` are those that will run. */
export function listenersOf(files: ServerFiles, plugins: readonly string[]): Listener[] {
  const implicit = files.number('smtp.ini', 'main', 'smtps_port') ?? 465;
  const withoutTls = new Set(files.list('tls.ini', 'main', 'no_starttls_ports').map(Number));
  const peers = proxies(files);
  const names = new Set<string>();
  return endpoints(files).map(({ address, port }) => {
    const base = conventional[port] ?? `port-${port}`;
    let name = base;
    for (let next = 2; names.has(name); next++) name = `${base}-${next}`;
    names.add(name);
    const encrypted = port === implicit;
    const hidden = withoutTls.has(port);
    const handedOver = plugins.includes('tls') && !encrypted && !hidden;
    return {
      name,
      address,
      port,
      ...(encrypted ? { tls: 'implicit' as const } : hidden ? { tls: 'none' as const } : {}),
      ...(handedOver ? { starttls: 'plugin' as const } : {}),
      ...(plugins.some((plugin) => /^auth[/-]/.test(plugin)) ? { auth: 'plugin' as const } : {}),
      require_login: false,
      ...(peers.length > 0 ? { proxy_protocol: peers } : {}),
    };
  });
}

/** Peers that begin with a PROXY header. */
export function proxies(files: ServerFiles): string[] {
  if (!files.flag('connection.ini', 'haproxy', 'enabled', true)) return [];
  return files.list('connection.ini', 'haproxy', 'hosts').map((host) => host.replaceAll(/[[\]]/g, ''));
}

/** Certificate and key of tls.ini, for listeners that are encrypted from the first byte. */
export function certificateOf(files: ServerFiles, home: string): { certificate: string; key: string } | null {
  const named = (key: string, otherwise: string): string => {
    const name = files.list('tls.ini', 'main', key)[0] ?? otherwise;
    return isAbsolute(name) ? name : join(home, 'config', name);
  };
  if (!files.has('tls.ini')) return null;
  return { certificate: named('cert', 'tls_cert.pem'), key: named('key', 'tls_key.pem') };
}
