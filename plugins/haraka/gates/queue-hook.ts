import { accept, type Hooks, reply } from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import type { HookAnswer } from '../hook-runner.ts';
import { replyLines } from '../reply-words.ts';
import { amendEnvelope } from '../session/envelope-sync.ts';
import type { HarakaTransaction } from '../session/haraka-transaction.ts';
import { refusalOf } from '../verdicts.ts';

/**
 * `queue`, or `queue_outbound` for a client that may relay. OK: the plugin has the message, which is recorded as relayed
 * (or discarded). CONT leaves it to the next `queue` of the pipeline, Sluice's own as a rule; Haraka's outbound would take
 * it then, so that `pre_send_trans_email` runs first.
 */
export const queueHook =
  (bridge: Bridge): Hooks['queue'] =>
  async ({ session, transaction, message }) => {
    const { runner, constants } = bridge;
    const { connection, control } = bridge.open(session);
    const mail = connection.transaction;
    if (mail === null) return undefined;
    const hook = connection.relaying ? 'queue_outbound' : 'queue';
    const answer = await runner.run(hook, connection);
    noteResult(mail, answer, constants);
    amendEnvelope(mail, transaction, control);
    const refused = refusalOf(answer, refusalForm(answer, mail, constants), constants, connection);
    if (refused !== undefined) {
      connection.msg_count[refused.reply.code < 500 ? 'tempfail' : 'reject'] += 1;
      mail.msg_status = refused.reply.code < 500 ? 'deferred' : 'rejected';
      return refused;
    }
    if (answer.code === constants.ok) {
      const text = `${wordsOf(answer, 'Message Queued')} (${mail.uuid})`;
      await runner.run('queue_ok', connection, text);
      mail.msg_status = 'accepted';
      if (answer.plugin !== null && bridge.config.discarding.includes(answer.plugin)) {
        return accept({ as: 'discarded', text });
      }
      return accept({ as: 'relayed', reply: reply(250, '2.0.0', text) });
    }
    if (runner.has('pre_send_trans_email')) {
      completeHeader(mail, bridge);
      await runner.run('pre_send_trans_email', preSend(mail, bridge));
      amendEnvelope(mail, transaction, control);
    }
    void message;
    return undefined;
  };

const wordsOf = ({ message }: HookAnswer, fallback: string): string => {
  const { lines } = replyLines(250, message);
  return lines.length === 0 ? fallback : lines.join(' ');
};

/** Haraka puts the transaction's id behind whatever a `queue` plugin says. */
function refusalForm(answer: HookAnswer, mail: HarakaTransaction, constants: Bridge['constants']) {
  const soft = answer.code === constants.denysoft || answer.code === constants.denysoftdisconnect;
  return { deny: 550, denysoft: 450, text: `Message denied${soft ? ' temporarily' : ''} (${mail.uuid})` };
}

function noteResult(mail: HarakaTransaction, answer: HookAnswer, constants: Bridge['constants']): void {
  const words = wordsOf(answer, '');
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
