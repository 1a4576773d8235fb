import { isUtf8 } from 'node:buffer';
import type { Identity } from '../domain/identity.ts';
import { type Reply, reply } from '../domain/reply.ts';
import type { Credentials } from '../pipeline/hooks.ts';
import type { RefusedBy } from '../pipeline/pipeline.ts';
import type { Accept } from '../pipeline/verdict.ts';
import type { ClientConnection } from './connection.ts';
import { handOver } from './plain-commands.ts';
import { replies } from './replies.ts';

type Now<T> = T | Promise<T>;

const challenge = (text: string): Reply => reply(334, null, text);
const challenges = { empty: challenge(''), username: challenge('VXNlcm5hbWU6'), password: challenge('UGFzc3dvcmQ6') };
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: no name has them, and logs should not
const controlCharacter = /[\x00-\x1f\x7f-\x9f]/;

const mayAuthInClear = (connection: ClientConnection): boolean => connection.policy.config.auth_without_tls;

/** True where AUTH stands in the EHLO reply: it would be taken, and some plugin checks it. */
export const authOffered = (connection: ClientConnection): boolean =>
  connection.policy.config.auth === 'core' &&
  connection.state.identity === null &&
  (connection.secure || mayAuthInClear(connection)) &&
  connection.pipeline().has('auth');

/** AUTH PLAIN and LOGIN, each with and without initial response (RFC 4954, RFC 4616). */
export function auth(connection: ClientConnection, argument: string): Now<void> {
  if (connection.state.hello === null) return connection.reply(replies.sequence.hello);
  if (connection.policy.config.auth === 'plugin') {
    return handOver(connection, 'AUTH', argument, (answered) => {
      if (answered === undefined) connection.reply(replies.syntax.unknownCommand);
      else if (answered !== null) connection.reply(answered, 'plugin');
    });
  }
  if (connection.state.identity !== null) return connection.reply(replies.sequence.authTwice);
  if (connection.transaction !== null) return connection.reply(replies.sequence.authInTransaction);
  if (!connection.pipeline().has('auth')) return connection.reply(replies.auth.unavailable);
  if (!connection.secure && !mayAuthInClear(connection)) {
    return connection.reply(
      connection.policy.config.tls === 'starttls' ? replies.auth.needsTls : replies.auth.unavailable,
    );
  }
  const [mechanism = '', initial, ...rest] = argument.split(/ +/);
  if (rest.length > 0) return connection.reply(replies.auth.malformed);
  switch (mechanism.toUpperCase()) {
    case 'PLAIN':
      return ask(connection, challenges.empty, initial, (response) => plain(connection, response));
    case 'LOGIN':
      return ask(connection, challenges.username, initial, (username) =>
        ask(connection, challenges.password, undefined, (password) =>
          check(connection, { mechanism: 'LOGIN', username, password }),
        ),
      );
    default:
      return connection.reply(replies.auth.mechanism);
  }
}

/** Gets one response, from the command line or by a challenge, and decodes it. */
function ask(
  connection: ClientConnection,
  question: Reply,
  initial: string | undefined,
  next: (response: string) => Now<void>,
): Now<void> {
  const take = (line: string): Now<void> => {
    // RFC 4954 §4: a lone asterisk cancels, a lone equals sign is an empty initial response.
    if (line === '*') return connection.reply(replies.auth.cancelled);
    const text = line === '=' && initial !== undefined ? '' : line;
    if (!base64.test(text)) return connection.reply(replies.auth.notBase64);
    const bytes = Buffer.from(text, 'base64');
    return isUtf8(bytes) ? next(bytes.toString('utf8')) : connection.reply(replies.auth.malformed);
  };
  if (initial !== undefined) return take(initial);
  connection.reply(question);
  connection.continueWith(take);
}

/** RFC 4616: authorization identity NUL authentication identity NUL password; some clients fill only the first. */
function plain(connection: ClientConnection, response: string): Now<void> {
  const parts = response.split('\0');
  const [authorization = '', authentication = '', password = ''] = parts;
  const username = authentication === '' ? authorization : authentication;
  if (parts.length !== 3) return connection.reply(replies.auth.malformed);
  if (authorization !== '' && authorization !== username) {
    return connection.reply(
      reply(535, '5.7.8', 'You cannot act for somebody else; leave the authorization identity empty'),
    );
  }
  return check(connection, { mechanism: 'PLAIN', username, password });
}

function check(connection: ClientConnection, credentials: Credentials): Now<void> {
  const { username } = credentials;
  if (username === '' || controlCharacter.test(username)) return connection.reply(replies.auth.malformed);
  const answer = connection.pipeline().first('auth', { session: connection.state, credentials }, connection.call());
  return answer instanceof Promise
    ? answer.then((decision) => decide(connection, decision))
    : decide(connection, answer);
}

function decide(connection: ClientConnection, decision: Accept<Identity> | RefusedBy | undefined): void {
  if (connection.gone) return;
  if (decision?.do === 'accept') {
    const { credentialId } = decision.value;
    if (credentialId === null || connection.shared.access.credentialUsable(credentialId)) {
      connection.state.identity = decision.value;
      connection.reply(replies.accepted.login);
      return;
    }
  }
  const refused: RefusedBy =
    decision === undefined || decision.do === 'accept'
      ? { do: 'reject', reply: replies.auth.failed, plugin: 'core' }
      : decision;
  connection.refuse(refused);
  // Temporary failures are ours, not the client's.
  if (refused.reply.code < 500) return;
  connection.authFailures++;
  if (connection.authFailures >= connection.shared.config.smtp.limits.auth_failures) {
    connection.farewell(replies.auth.tooManyFailures);
  }
}
