import type { Hooks, Message } from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import { amendEnvelope, dropRefused, noteRefusal } from '../session/envelope-sync.ts';
import type { Connection } from '../session/haraka-connection.ts';
import type { HarakaTransaction } from '../session/haraka-transaction.ts';
import { endMessage, feedMessage, storeChangedBody } from '../session/message-feed.ts';
import { isSoft, refusalOf } from '../verdicts.ts';

/** Hooks that look at the message: without one of them it need not be read. */
const readers = ['data_post', 'queue', 'queue_outbound', 'pre_send_trans_email'];

/** The message as the last bridge left it; another one reads it again where somebody changed it since. */
const readWith = new WeakMap<HarakaTransaction, number>();

/** After the final dot: the message is read as Haraka reads it, Authentication-Results are brought up to date, data_post runs. */
export const messageGate =
  (bridge: Bridge): Hooks['message'] =>
  async ({ session, transaction, message }) => {
    const { connection, control } = bridge.open(session);
    const mail = connection.transaction;
    if (mail === null) return undefined;
    dropRefused(connection, mail, transaction);
    const edits = message.headers.edits.length;
    const wanted = mail.parse_body || readers.some((hook) => bridge.runner.has(hook));
    if (!wanted && !changesHeader(connection, mail, message)) return undefined;
    const first = !readWith.has(mail);
    if (first || readWith.get(mail) !== edits) await read(connection, mail, message, first);
    mail.data_post_start = Date.now();
    const answer = await bridge.runner.run('data_post', connection);
    mail.data_post_delay = (Date.now() - mail.data_post_start) / 1_000;
    const field = connection.auth_results();
    if (field !== '') {
      mail.remove_header('Authentication-Results');
      mail.add_leading_header('Authentication-Results', field);
    }
    readWith.set(mail, message.headers.edits.length);
    amendEnvelope(mail, transaction, control);
    const refused = refusalOf(
      answer,
      {
        deny: 550,
        denysoft: 450,
        text: answer.code === bridge.constants.denysoft ? 'Message denied temporarily' : 'Message denied',
      },
      bridge.constants,
      connection,
    );
    if (refused !== undefined) noteRefusal(connection, mail, isSoft(answer.code, bridge.constants));
    return refused;
  };

/** True where the header is to be changed though no hook looks at it: fields added early, results of checks. */
const changesHeader = (connection: Connection, mail: HarakaTransaction, message: Message): boolean =>
  mail.header.header_list.length > 0 ||
  connection.auth_results() !== '' ||
  message.headers.get('Authentication-Results') !== undefined;

async function read(connection: Connection, mail: HarakaTransaction, message: Message, first: boolean): Promise<void> {
  if (!first) mail.readAgain();
  const changes = mail.changesBody;
  await feedMessage(mail, message);
  if (first) {
    connection.totalbytes += mail.data_bytes;
    keepEarlierResults(mail);
    const field = connection.auth_results();
    if (field !== '') mail.add_header('Authentication-Results', field);
  }
  await endMessage(mail);
  if (changes) await storeChangedBody(mail, message);
}

/** Results that others claim are moved out of the way: they are not ours to vouch for (RFC 8601 §5). */
function keepEarlierResults(mail: HarakaTransaction): void {
  const earlier = mail.header.get_all('Authentication-Results');
  if (earlier.length === 0) return;
  for (const value of earlier) mail.add_header('Original-Authentication-Results', value);
  mail.remove_header('Authentication-Results');
}
