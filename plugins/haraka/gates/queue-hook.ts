import { accept, type Hooks } from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import type { HookAnswer } from '../hook-runner.ts';
import { beginQueueing, endQueueing } from '../outbound/queueing.ts';
import { isDsn, replyFor, settledReply } from '../reply-words.ts';
import { amendEnvelope, noteRefusal } from '../session/envelope-sync.ts';
import type { HarakaTransaction } from '../session/haraka-transaction.ts';
import { isSoft, refusalOf, refusalWith } from '../verdicts.ts';

/**
 * `queue`, or `queue_outbound` for a client that may relay. OK: the plugin has the message, which is recorded as relayed
 * (or discarded). CONT leaves it to the next `queue` of the pipeline, Sluice's own as a rule; Haraka's outbound would take
 * it then, so that `pre_send_trans_email` runs first.
 */
export const queueHook =
  (bridge: Bridge): Hooks['queue'] =>
  async ({ session, transaction }) => {
    const { runner, constants } = bridge;
    const { connection, control } = bridge.open(session);
    const mail = connection.transaction;
    if (mail === null) return undefined;
    const hook = connection.relaying ? 'queue_outbound' : 'queue';
    beginQueueing(mail);
    const answer = await runner.run(hook, connection);
    const handedOver = endQueueing(mail);
    const soft = isSoft(answer.code, constants);
    noteResult(mail, answer, constants);
    amendEnvelope(mail, transaction, control);
    // Haraka puts the transaction's id behind whatever is said here, and takes a DSN for its words alone.
    const said = (fallback: string) => `${wordsOf(answer) || fallback} (${mail.uuid})`;
    const denied = said(`Message denied${soft ? ' temporarily' : ''}`);
    const refused = refusalOf(
      { ...answer, message: denied },
      { deny: 550, denysoft: 450, text: '' },
      constants,
      connection,
    );
    if (refused !== undefined) {
      noteRefusal(connection, mail, soft);
      return refused;
    }
    if (answer.code === constants.ok) {
      const text = said('Message Queued');
      await runner.run('queue_ok', connection, text);
      mail.msg_status = 'accepted';
      // Outbound's mail is the pipeline's to queue.
      if (handedOver) return undefined;
      if (answer.plugin !== null && bridge.config.discarding.includes(answer.plugin)) {
        return accept({ as: 'discarded', text });
      }
      return accept({ as: 'relayed', reply: settledReply(250, text, text, '0.0') });
    }
    if (hook === 'queue' && answer.code !== constants.cont) {
      noteRefusal(connection, mail, true);
      const text = said('Queuing declined or disabled, try later');
      return refusalWith(replyFor(451, text, text, '7.1'), connection, text);
    }
    if (hook === 'queue_outbound' && runner.has('pre_send_trans_email')) {
      completeHeader(mail, bridge);
      await runner.run('pre_send_trans_email', preSend(mail, bridge));
      amendEnvelope(mail, transaction, control);
    }
    return undefined;
  };

const wordsOf = ({ message }: HookAnswer): string => String((isDsn(message) ? message.reply : message) || '');

function noteResult(mail: HarakaTransaction, answer: HookAnswer, constants: Bridge['constants']): void {
  const words = wordsOf(answer);
  const { ok, cont, deny, denydisconnect, denysoft, denysoftdisconnect } = constants;
  const as = { name: 'queue' };
  if (answer.code === ok) mail.results.add(as, { pass: words || 'Message Queued' });
  else if (answer.code === deny || answer.code === denydisconnect) mail.results.add(as, { fail: words });
  else if (answer.code === denysoft || answer.code === denysoftdisconnect) {
    mail.results.add(as, { fail: words, soft: true });
  } else if (answer.code !== cont) mail.results.add(as, { msg: words });
}

/** What Haraka's outbound adds before its hook: plugins that sign want to see it. */
function completeHeader(mail: HarakaTransaction, { libraries, hostname }: Bridge): void {
  const { header } = mail;
  if (header.get('Message-Id') === '' || header.get('Message-Id') === '<>') {
    if (header.get_all('Message-Id').length > 0) mail.remove_header('Message-Id');
    mail.add_header('Message-Id', `<${mail.uuid}@${hostname}>`);
  }
  if (header.get_all('Date').length === 0) {
    mail.add_header('Date', libraries.utilities.date_to_str(new Date()));
  }
}

/** A stand-in for the connection: the hook also runs for mail that no client brought. */
function preSend(mail: HarakaTransaction, { process }: Bridge) {
  return process.log.addTo({ transaction: mail, hook: null }, 'outbound');
}
