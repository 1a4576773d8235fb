import { join } from 'node:path';
import smtpServer from 'smtp-server/package.json' with { type: 'json' };
import { startChild } from '../../tests/support/child.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import type { Relay } from './relay.ts';

export const bareServer: Relay = {
  name: 'bare',
  label: 'smtp-server, throws away',
  difference: 'takes any login, stores nothing',
  relays: false,
  share: 1,
  flushes: false,
  missing: () => undefined,
  prepare: async () => smtpServer.version,
  start: async () => {
    const child = startChild(process.execPath, [join(import.meta.dirname, 'bare-server.ts')]);
    const port = await waitFor('the bare server', () => Number(child.stdout()), { detail: child.stderr });
    return {
      port,
      pids: [child.pid],
      login: { username: 'bench', password: 'bench' },
      stop: async () => {
        await child.kill();
      },
    };
  },
};
