import type { Hooks, RcptParameters } from '../../../core/pipeline/plugin.ts';
import { grant, proceed, type Refusal } from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import type { HookAnswer } from '../hook-runner.ts';
import { isDsn, positiveWords, replyFor } from '../reply-words.ts';
import { countRecipient, dropRefused, recipientsOf } from '../session/envelope-sync.ts';
import type { Connection } from '../session/haraka-connection.ts';
import type { HarakaTransaction } from '../session/haraka-transaction.ts';
import { notePending } from '../session/pipelining.ts';
import type { EnvelopeAddress } from '../session/types.ts';
import { isSoft, refusalOf, refusalWith } from '../verdicts.ts';

/**
 * RCPT. OK, or a client that may relay, is a grant, which the configuration has to allow (`may_grant`); without either
 * core refuses, where the client has no right of its own.
 */
export const rcptGate =
  (bridge: Bridge): Hooks['rcptTo'] =>
  async ({ session, transaction, recipient, parameters }) => {
    const { runner, constants, libraries } = bridge;
    const opened = bridge.open(session);
    const { connection } = opened;
    const mail = connection.transaction;
    if (mail === null) return undefined;
    const known = recipientsOf(mail);
    dropRefused(connection, mail, transaction, recipient);
    if (known.asked !== recipient) {
      known.before = [...mail.rcpt_to];
      known.asked = recipient;
      mail.rcpt_to.push(new libraries.Address(`<${recipient.text}>`));
    }
    const address = mail.rcpt_to.at(-1);
    if (address === undefined) return undefined;
    const form = { deny: 550, denysoft: 450, text: `recipient ${address.format()} denied`, detail: '7.1' };

    // A plugin may put another recipient in its place: that one is answered for from then on.
    const named = () => mail.rcpt_to.at(-1) ?? address;
    const run = async (hook: string, params: unknown) => {
      known.underWay = true;
      try {
        return await notePending(opened, runner.run(hook, connection, params));
      } catch (error) {
        countRecipient(connection, mail, plain(named()), 'tempfail');
        forget(mail);
        throw error;
      } finally {
        known.underWay = false;
      }
    };
    const answer = await run('rcpt', [address, harakaParameters(parameters)]);
    if (answer.cancelled === true) return undefined;
    let refused = refusalOf(answer, form, constants, connection);
    if (refused !== undefined) return refuse(bridge, connection, mail, named(), answer, refused);
    const allowed = answer.code === constants.ok || connection.relaying;
    if (!allowed) {
      // Haraka's "No plugin determined if relaying was allowed"; another plugin of the pipeline may still grant it.
      if (answer.code === constants.cont) return undefined;
      refused = refusalWith(replyFor(550, undefined, cannot(address), '7.1'), connection, cannot(address));
      return refuse(bridge, connection, mail, named(), { ...answer, message: cannot(address) }, refused);
    }
    connection.last_rcpt_msg = answer.message;
    const second = await run('rcpt_ok', named());
    if (second.cancelled === true) return undefined;
    refused = refusalOf(second, form, constants, connection);
    if (refused !== undefined) return refuse(bridge, connection, mail, named(), second, refused);
    countRecipient(connection, mail, plain(named()), 'accept');
    const words = positiveWords(second.message ?? connection.last_rcpt_msg);
    if (session.identity !== null || session.trustedNetwork !== null) {
      return words === undefined ? undefined : proceed(words);
    }
    return grant(connection.relaying ? 'relay' : 'local', words);
  };

const cannot = (address: EnvelopeAddress): string => `I cannot deliver mail for ${address.format()}`;
const plain = (address: EnvelopeAddress): string => address.format().slice(1, -1);

function refuse(
  { constants }: Bridge,
  connection: Connection,
  mail: HarakaTransaction,
  address: EnvelopeAddress,
  { code, message }: HookAnswer,
  refused: Refusal,
): Refusal {
  const said = isDsn(message)
    ? { msg: message.reply, code: message.code }
    : { msg: message, code: constants.translate(code) };
  countRecipient(
    connection,
    mail,
    plain(address),
    isSoft(code, constants) ? 'tempfail' : 'reject',
    message ? said : {},
  );
  // A client that is sent away leaves with what it asked for.
  if (refused.do === 'disconnect') recipientsOf(mail).asked = null;
  else forget(mail);
  return refused;
}

function forget(mail: HarakaTransaction): void {
  const known = recipientsOf(mail);
  mail.rcpt_to = known.before;
  known.asked = null;
}

/** The parameters of RCPT as Haraka passes them. */
function harakaParameters({ notify, orcpt }: RcptParameters): Record<string, string> {
  return {
    ...(notify === undefined ? {} : { NOTIFY: notify.join(',') }),
    ...(orcpt === undefined ? {} : { ORCPT: orcpt }),
  };
}
