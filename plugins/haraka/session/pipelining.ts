import type { OpenConnection } from './connections.ts';

/** Commands that may stand anywhere in a group (RFC 2920 §3.1); every other one has to be its last. */
const groupable = /^(?:RSET|MAIL|SEND|SOML|SAML|RCPT)/i;

/**
 * While hooks take their time: what the client has sent meanwhile makes it an early talker, unless it greeted with EHLO
 * and pipelines as it may. Plugins look at `early_talker` and `pipelining`.
 */
export async function notePending<T>({ connection, control }: OpenConnection, hooks: Promise<T>): Promise<T> {
  let ended = false;
  // A hook that answers at once leaves the client no time.
  const look = setImmediate(() => {
    if (!ended) judge();
  });
  const judge = (): void => {
    const waiting = Buffer.from(control?.pending() ?? []).toString('latin1');
    const end = waiting.indexOf('\n');
    if (end === -1) return;
    const valid = connection.esmtp && (groupable.test(waiting) || end + 1 === waiting.length);
    if (valid) connection.pipelining = true;
    else connection.early_talker = true;
  };
  try {
    return await hooks;
  } finally {
    ended = true;
    clearImmediate(look);
  }
}
