import { waitFor } from '../../support/wait-for.ts';
import { normaliseFacts } from './normalise.ts';
import { type Outcome, type OutcomeExchange, outcomeOfExchange, outcomeOfMail } from './outcome.ts';
import type { PlacedCase } from './planned.ts';
import { ScriptedClient } from './scripted-client.ts';
import type { ProbeLine, Server } from './server.ts';

/** Sessions of one server, all at once; answers what was said in each, by client. */
export const playAll = async (
  { port }: Server,
  cases: readonly PlacedCase[],
  lanes: number,
): Promise<ReadonlyMap<string, readonly OutcomeExchange[]>> => {
  const played = new Map<string, readonly OutcomeExchange[]>();
  const waiting = cases.values();
  const lane = async (): Promise<void> => {
    for (const { planned, client, sender } of waiting) {
      const exchanges = await new ScriptedClient({ port, proxyFor: client, patience: 25_000 }).run(
        planned.script(sender),
      );
      played.set(
        client,
        exchanges.map((exchange) => outcomeOfExchange(exchange, Number.POSITIVE_INFINITY)),
      );
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return played;
};

const endsOf = (lines: readonly ProbeLine[]): number => lines.filter(({ event }) => event === 'connection').length;

/** Milliseconds without new mail after which none is on its way any more, where the sinks have got the same number. */
const quiet = 1_500;

/** Waits for what the servers still send: until all sinks have as many mails, or long enough where they never will. */
export const settled = async (servers: readonly Server[]): Promise<void> => {
  const counts = () => servers.map(({ sink }) => sink.mails.length);
  let last = counts().join();
  let since = performance.now();
  const still = (): boolean => {
    const now = counts();
    if (now.join() !== last) {
      last = now.join();
      since = performance.now();
    }
    return new Set(now).size === 1 && performance.now() - since >= quiet;
  };
  // What does not come differs from what does; the comparison tells.
  await waitFor('the sinks', still, { timeout: 12_000, interval: 100 }).catch(() => undefined);
};

/** What came of them: the probe's lines and the sink's mails given to whose they are. */
export const gather = async (
  server: Server,
  cases: readonly PlacedCase[],
  played: ReadonlyMap<string, readonly OutcomeExchange[]>,
): Promise<ReadonlyMap<string, Outcome>> => {
  const wait = { timeout: 15_000, interval: 100 };
  await waitFor('the probe', async () => endsOf(await server.probe()) >= cases.length, wait).catch(() => undefined);
  const lines = Map.groupBy(await server.probe(), ({ client }) => String(client));
  const delivered = Map.groupBy(server.sink.mails, ({ sender }) => sender);
  return new Map(
    cases.map(({ client, sender }) => [
      client,
      {
        exchanges: played.get(client) ?? [],
        mails: (delivered.get(sender) ?? []).map(outcomeOfMail),
        probe: (lines.get(client) ?? []).map((facts) => normaliseFacts(facts)),
      },
    ]),
  );
};
