import type { CapturedMail } from '../../support/captured-mail.ts';
import { waitFor } from '../../support/wait-for.ts';
import { normaliseFacts, normaliseMessage, normaliseText } from './normalise.ts';
import type { Case, Session } from './plugin-cases.ts';
import { ScriptedClient } from './scripted-client.ts';
import type { Server } from './server.ts';
import type { Exchange } from './session.ts';

export interface OutcomeReply {
  readonly code: number;
  readonly lines: readonly string[];
}

export interface OutcomeExchange {
  readonly sent: string;
  readonly replies: readonly OutcomeReply[];
  readonly slow: boolean;
  readonly closed: boolean;
  readonly silent: boolean;
}

export interface OutcomeMail {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly message: string;
}

/** All that could be seen of one session, without what differs from run to run. */
export interface Outcome {
  readonly exchanges: readonly OutcomeExchange[];
  readonly mails: readonly OutcomeMail[];
  /** What the probe printed at the end of each transaction and of the connection. */
  readonly probe: readonly unknown[];
}

export const outcomeOfExchange = (
  { sent, replies, milliseconds, closed, silent }: Exchange,
  slow: number,
): OutcomeExchange => ({
  sent,
  replies: replies.map(({ code, lines }) => ({ code, lines: lines.map(normaliseText) })),
  slow: milliseconds >= slow,
  closed,
  silent,
});

export const outcomeOfMail = ({ sender, recipients, raw }: CapturedMail): OutcomeMail => ({
  sender,
  recipients,
  message: normaliseMessage(raw),
});

const sessions = async (server: Server): Promise<number> =>
  (await server.probe()).filter(({ event }) => event === 'connection').length;

const connect = ({ port, proxy }: Server, client: string | undefined): ScriptedClient =>
  new ScriptedClient({ port, ...(proxy ? { proxyFor: client ?? '127.0.0.1' } : {}) });

const tookMessage = ({ replies }: Exchange): boolean =>
  replies.some(({ code }, at) => code === 354 && replies[at + 1]?.code === 250);

const mayHaveSent = ({ replies }: Exchange): boolean => replies.some(({ code }) => code === 354);

/** Plays a script whose outcome nobody looks at, to the end of its session. */
const playBefore = async (server: Server, { client, script }: Session): Promise<void> => {
  const ended = await sessions(server);
  const arrived = server.sink.mails.length;
  const taken = (await connect(server, client).run(script)).filter(tookMessage).length;
  await waitFor('the probe', async () => (await sessions(server)) > ended, { timeout: 8_000 }).catch(() => undefined);
  // Whoever relays later does so before what comes next is looked at.
  await waitFor('the sink', () => server.sink.mails.length >= arrived + taken, { timeout: 30_000 });
};

/**
 * Plays a case to a server and gathers what came of it; `mails`: how many the sink shall wait for, and how many
 * milliseconds at most.
 */
export const play = async (
  server: Server,
  { earlier = [], client, script, slow = Number.POSITIVE_INFINITY, sink, mails: own = 0 }: Case,
  mails: number | Promise<number> = own,
  patience = 30_000,
): Promise<Outcome> => {
  for (const session of earlier) await playBefore(server, session);
  const printed = (await server.probe()).length;
  const ended = await sessions(server);
  const arrived = server.sink.mails.length;
  server.sink.behave(sink);
  const exchanges = await connect(server, client).run(script);
  // A server that prints nothing differs from one that does; the comparison tells.
  await waitFor('the probe', async () => (await sessions(server)) > ended, { timeout: 8_000 }).catch(() => undefined);
  // Whoever never came to send a message has none to wait for.
  const due = exchanges.some(mayHaveSent) ? await mails : 0;
  await waitFor('the sink', () => server.sink.mails.length >= arrived + due, { timeout: patience }).catch(
    () => undefined,
  );
  return {
    exchanges: exchanges.map((exchange) => outcomeOfExchange(exchange, slow)),
    mails: server.sink.mails.slice(arrived).map(outcomeOfMail),
    probe: (await server.probe()).slice(printed).map((facts) => normaliseFacts(facts)),
  };
};
