import { relative } from 'node:path';
import { createClient } from '../admin-api/client/client.ts';
import { listUsers } from '../admin-api/routes/users.ts';
import type { RunningProcess } from '../processes/running-process.ts';

const tlsWords: Readonly<Record<string, string>> = { starttls: 'STARTTLS', implicit: 'TLS', none: 'in clear' };

/** Where mail will go, in one line. */
function destination({ capture, upstreams }: RunningProcess): string {
  if (capture) return 'kept in the capture box and sent to nobody; UPSTREAM_SMTP_HOST names a relay to send it on';
  return `sent on by ${upstreams.map(({ name, description }) => `${name} (${description})`).join(', then ')}`;
}

/** The next thing to type: an account first, a test mail after. */
async function next({ controlSocket }: RunningProcess): Promise<string> {
  const addUser = 'npx sluice user add --username me --email me@example.com';
  if (controlSocket === null) return addUser;
  try {
    const client = createClient({ socketPath: controlSocket });
    const { items } = await client.call(listUsers, { query: { limit: 1 } });
    return items.length === 0 ? addUser : 'npx sluice send --to someone@example.com';
  } catch {
    // Only a hint: a Sluice that is being stopped again need not give one.
    return addUser;
  }
}

/** What a person reads after a start: at most a dozen lines. */
export async function startSummary(running: RunningProcess, dataDirectory: string): Promise<string[]> {
  const folder = relative(process.cwd(), dataDirectory);
  const shown = running.listeners.slice(0, 5).map(({ name, address, port, tls }) => {
    const host = address.includes(':') ? `[${address}]` : address;
    return `  SMTP   ${host}:${port}  ${name}, ${tlsWords[tls] ?? tls}`;
  });
  const more = running.listeners.length - shown.length;
  const { roles, api, observability } = running;
  const whole = roles.length === 3;
  return [
    whole ? 'Sluice is running.' : `Sluice is running: ${roles.join(', ')} of a cluster.`,
    ...shown,
    ...(more > 0 ? [`         and ${more} more`] : []),
    ...(api === null ? [] : [`  API    ${api.url}  (documentation: ${api.url}/swagger/index.html)`]),
    ...(roles.includes('worker') ? [`  Mail   ${destination(running)}`] : []),
    ...(whole || observability === null ? [] : [`  Health ${new URL('/health', observability)}`]),
    `  Data   ${folder.startsWith('..') ? dataDirectory : `./${folder}`}`,
    ...(whole ? [`Next, in another terminal: ${await next(running)}`] : []),
  ];
}
