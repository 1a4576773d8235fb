import { reverse } from 'node:dns/promises';
import type { Hooks, Refusal } from '../../../core/pipeline/plugin.ts';
import { proceed } from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import { positiveWords } from '../reply-words.ts';
import type { OpenConnection } from '../session/connections.ts';
import { followSession } from '../session/session-facts.ts';
import { type RefusalForm, refusalOf } from '../verdicts.ts';

const unnamed: RefusalForm = { deny: 554, denysoft: 421, text: 'rDNS lookup failed', disconnectRefuses: true };
const unwelcome: RefusalForm = {
  deny: 554,
  denysoft: 421,
  text: 'Your mail is not welcome here',
  disconnectRefuses: true,
};

/** connect_init, lookup_rdns and connect, one after the other; or from a later one on, where a plugin asked for that. */
export const connectGate =
  (bridge: Bridge): Hooks['connect'] =>
  async ({ session }) => {
    const { runner, constants } = bridge;
    const opened = bridge.open(session);
    const { connection, again } = opened;
    followSession(connection, session);
    if (again === 'connect_init') await runner.run('connect_init', connection);
    if (again !== 'connect') {
      const refused = await nameRemote(bridge, opened);
      if (refused !== undefined) return refused;
    }
    const answer = await runner.run('connect', connection);
    const refused = refusalOf(answer, unwelcome, constants, connection);
    if (refused !== undefined) return refused;
    const words = positiveWords(answer.message);
    return words === undefined ? undefined : proceed(words);
  };

/** `remote.host`: what a plugin says, or else the PTR record; Haraka's words where there is none. */
async function nameRemote(
  { runner, constants, libraries }: Bridge,
  opened: OpenConnection,
): Promise<Refusal | undefined> {
  const { connection } = opened;
  const answer = await runner.run('lookup_rdns', connection);
  if (answer.code === constants.ok) {
    connection.remote.host = libraries.utilities.sanitize(String(answer.message ?? '')) || 'Unknown';
    opened.named = true;
  } else {
    const refused = refusalOf(answer, unnamed, constants, connection);
    if (refused !== undefined) return refused;
    if (!opened.named) {
      connection.remote.host = await hostOf(connection.remote.ip ?? '', libraries.utilities.sanitize);
      opened.named = true;
      connection.results.add({ name: 'remote' }, connection.remote);
    }
  }
  connection.remote.info ??= connection.remote.host;
  return undefined;
}

async function hostOf(address: string, sanitize: (text: string) => string): Promise<string> {
  try {
    const [first] = await reverse(address);
    return sanitize(first ?? '') || 'Unknown';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOTFOUND' || code === 'NXDOMAIN' ? 'NXDOMAIN' : 'DNSERROR';
  }
}
