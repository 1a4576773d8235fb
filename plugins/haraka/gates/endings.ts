import type { Hooks } from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import { type OpenConnection, settle } from '../session/connections.ts';
import type { HarakaTransaction } from '../session/haraka-transaction.ts';

/** Sluice's own queue has the message: `queue_ok`, which changes nothing any more. */
export const transactionQueued =
  (bridge: Bridge): Hooks['queued'] =>
  async ({ session, transaction }) => {
    const opened = bridge.open(session);
    const { connection } = opened;
    const mail = connection.transaction;
    if (mail === null || mail.sluice !== transaction) return;
    mail.results.add({ name: 'outbound' }, { pass: 'queued' });
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
    if (mail.resetsUnderWay === 0) count(opened, outcome, reply?.code ?? 0);
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

function count({ connection }: OpenConnection, outcome: string, code: number): void {
  if (outcome === 'accepted') connection.msg_count.accept += 1;
  else if (outcome === 'refused' && connection.transaction?.found_hb_sep === true && code >= 400) {
    connection.msg_count[code < 500 ? 'tempfail' : 'reject'] += 1;
  }
}

/** The last of the bridges clears up. */
function end({ connection }: OpenConnection, mail: HarakaTransaction): void {
  mail.resetsUnderWay -= 1;
  if (mail.resetsUnderWay > 0) return;
  mail.message_stream.destroy();
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
