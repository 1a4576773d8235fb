import type { Hooks, MailParameters, Session, Transaction } from '../../../core/pipeline/plugin.ts';
import { proceed } from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import { positiveWords } from '../reply-words.ts';
import type { Connection } from '../session/haraka-connection.ts';
import { HarakaTransaction } from '../session/haraka-transaction.ts';
import { jsonNotes } from '../session/json-notes.ts';
import { notePending } from '../session/pipelining.ts';
import { followSession } from '../session/session-facts.ts';
import { isSoft, refusalOf } from '../verdicts.ts';

export const mailGate =
  (bridge: Bridge): Hooks['mailFrom'] =>
  async ({ session, transaction, sender, parameters }) => {
    const { runner, constants, libraries } = bridge;
    const opened = bridge.open(session);
    if (opened.settling !== null) await opened.settling;
    const { connection } = opened;
    const mail = begin(bridge, session, transaction, connection);
    const from = new libraries.Address(sender === null ? '<>' : `<${sender.text}>`);
    mail.mail_from = from;
    const answer = await notePending(opened, runner.run('mail', connection, [from, harakaParameters(parameters)]));
    const refused = refusalOf(
      answer,
      { deny: 550, denysoft: 450, text: `sender ${from.format()} denied` },
      constants,
      connection,
    );
    const action = refused === undefined ? 'accept' : isSoft(answer.code, constants) ? 'tempfail' : 'reject';
    mail.results.add(
      { name: 'mail_from' },
      { action, code: constants.translate(answer.code), address: sender?.text ?? '<>' },
    );
    if (refused !== undefined) return refused;
    const words = positiveWords(answer.message);
    return words === undefined ? undefined : proceed(words);
  };

/** The transaction of this MAIL; the first bridge makes it. */
function begin(bridge: Bridge, session: Session, transaction: Transaction, connection: Connection): HarakaTransaction {
  const known = connection.transaction;
  if (known !== null && known.sluice === transaction) return known;
  connection.transaction = null;
  followSession(connection, session);
  const { libraries, limits } = bridge;
  const mail = new HarakaTransaction(connection.nextTransactionId(), transaction, connection, libraries, limits);
  if (connection.hello.verb === 'HELO') {
    mail.encoding = 'binary';
    connection.encoding = 'binary';
  }
  connection.transaction = mail;
  // Stored as JSON with the mail: what cannot travel stays behind.
  Object.defineProperty(mail.notes, 'toJSON', { value: () => jsonNotes(mail.notes), enumerable: false });
  transaction.notes.haraka = mail.notes;
  return mail;
}

/** The parameters of MAIL as Haraka passes them: upper-case names, null where there is no value. */
function harakaParameters(parameters: MailParameters): Record<string, string | null> {
  const { size, body, smtputf8, ret, envid } = parameters;
  return {
    ...(size === undefined ? {} : { SIZE: String(size) }),
    ...(body === undefined ? {} : { BODY: body }),
    ...(smtputf8 === true ? { SMTPUTF8: null } : {}),
    ...(ret === undefined ? {} : { RET: ret }),
    ...(envid === undefined ? {} : { ENVID: envid }),
  };
}
