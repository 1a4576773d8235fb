import type { Hooks } from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import { type OpenConnection, settle } from '../session/connections.ts';
import { dropRefused } from '../session/envelope-sync.ts';
import type { HarakaTransaction } from '../session/haraka-transaction.ts';

/** Sluice's own queue has the message: `queue_ok`, which changes nothing any more. */
export const transactionQueued =
  (bridge: Bridge): Hooks['queued'] =>
  async ({ session, transaction }) => {
    const opened = bridge.open(session);
    const { connection } = opened;
    const mail = connection.transaction;
    if (mail === null || mail.sluice !== transaction) return;
    if (connection.relaying) mail.results.add({ name: 'outbound' }, { pass: 'queued' });
    if (!bridge.runner.has('queue_ok')) return;
    await settle(opened, async () => {
      await bridge.runner.run('queue_ok', connection, `Message Queued (${mail.uuid})`);
    });
  };

/** `reset_transaction`, exactly once for each MAIL; the next command waits for it, as in Haraka. */
export const transactionEnded =
  (bridge: Bridge): Hooks['transactionEnd'] =>
  async ({ session, transaction, outcome, reply }) => {
    const opened = bridge.open(session);
    const mail = opened.connection.transaction;
    if (mail === null || mail.sluice !== transaction) return;
    dropRefused(opened.connection, mail, transaction);
    if (mail.resetsUnderWay === 0) count(opened, mail, outcome, reply?.code ?? 0);
    mail.resetsUnderWay += 1;
    if (!bridge.runner.has('reset_transaction')) {
      // At once where nothing is under way: the next MAIL shall not have to wait a turn.
      if (opened.settling === null) end(opened, mail);
      else await settle(opened, async () => end(opened, mail));
      return;
    }
    // What a hook under way would still answer, nobody waits for any more.
    opened.connection.cancelHook?.();
    await settle(opened, async () => {
      try {
        await bridge.runner.run('reset_transaction', opened.connection);
      } finally {
        end(opened, mail);
      }
    });
  };

/** What became of a message that the client has sent; earlier ends are not counted, as in Haraka. */
function count({ connection }: OpenConnection, mail: HarakaTransaction, outcome: string, code: number): void {
  if (mail.msg_status !== undefined && mail.msg_status !== 'accepted') return;
  if (outcome === 'accepted') {
    connection.msg_count.accept += 1;
    mail.msg_status = 'accepted';
  } else if (outcome === 'refused' && mail.found_hb_sep && code >= 400) {
    connection.msg_count[code < 500 ? 'tempfail' : 'reject'] += 1;
    mail.msg_status = code < 500 ? 'deferred' : 'rejected';
  }
}

/** The last of the bridges clears up. */
function end({ connection }: OpenConnection, mail: HarakaTransaction): void {
  mail.resetsUnderWay -= 1;
  if (mail.resetsUnderWay > 0) return;
  mail.close();
  if (connection.transaction === mail) connection.transaction = null;
}

export const disconnected =
  (bridge: Bridge): Hooks['disconnect'] =>
  async ({ session }) => {
    const opened = bridge.open(session);
    const { connection } = opened;
    connection.end();
    connection.cancelHook?.();
    if (!bridge.runner.has('disconnect')) return;
    await settle(opened, async () => {
      await bridge.runner.run('disconnect', connection);
    });
  };
