import {
  accept,
  type Command,
  disconnect,
  type HookResult,
  type Hooks,
  type Refusal,
  reply,
  type Session,
} from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import { positiveWords, replyFor, replyLines, settledReply } from '../reply-words.ts';
import type { OpenConnection } from '../session/connections.ts';
import { notePending } from '../session/pipelining.ts';
import { tellSession } from '../session/session-facts.ts';
import { refusalOf, refusalWith } from '../verdicts.ts';

type Answer = HookResult<'command'>;

interface Asked {
  readonly session: Session;
  readonly opened: OpenConnection;
  readonly command: Command;
}

/** NOOP, RSET, VRFY, QUIT, and what core does not know: Haraka's `unrecognized_command`. */
export const commandGate =
  (bridge: Bridge): Hooks['command'] =>
  async ({ session, command }) => {
    const opened = bridge.open(session);
    if (opened.settling !== null) await opened.settling;
    const known = Object.hasOwn(answers, command.verb) ? answers[command.verb] : undefined;
    return await (known ?? unrecognized)(bridge, { session, opened, command });
  };

const answers: Readonly<Record<string, (bridge: Bridge, at: Asked) => Promise<Answer>>> = {
  NOOP: noop,
  RSET: reset,
  VRFY: verify,
  QUIT: quit,
};

async function noop({ runner, constants }: Bridge, { opened }: Asked): Promise<Answer> {
  const answer = await runner.run('noop', opened.connection);
  const text = 'Stop wasting my time';
  if (answer.code !== constants.deny && answer.code !== constants.denydisconnect) return undefined;
  const refused = refuse(opened, 500, answer.message, text);
  return answer.code === constants.deny ? refused : disconnect(refused.reply);
}

/** What plugins answer to RSET does not matter; core resets. */
async function reset({ runner }: Bridge, { opened }: Asked): Promise<Answer> {
  await runner.run('rset', opened.connection);
  return undefined;
}

async function verify({ runner, constants }: Bridge, { opened }: Asked): Promise<Answer> {
  const answer = await runner.run('vrfy', opened.connection);
  if (answer.code === constants.ok) {
    return accept({ reply: settledReply(250, answer.message, 'User OK', '1.5') });
  }
  const soft = answer.code === constants.denysoft || answer.code === constants.denysoftdisconnect;
  const form = { deny: 550, denysoft: 450, text: soft ? 'Lookup failed' : 'Access denied' };
  const refused = refusalOf(answer, form, constants, opened.connection);
  if (refused !== undefined && refused.do !== 'disconnect') opened.control?.resetTransaction();
  return refused;
}

async function quit({ runner }: Bridge, { opened }: Asked): Promise<Answer> {
  const answer = await runner.run('quit', opened.connection);
  const words = positiveWords(answer.message);
  return words === undefined ? undefined : accept({ reply: settledReply(221, words, '', '0.0') });
}

async function unrecognized(bridge: Bridge, asked: Asked): Promise<Answer> {
  const { session, opened, command } = asked;
  const { runner, constants } = bridge;
  const { connection, control } = opened;
  if (!runner.has('unrecognized_command')) {
    connection.errors += 1;
    return undefined;
  }
  const [, verb = '', , rest = ''] = /^([^ ]*)( +(.*))?$/.exec(command.line) ?? [];
  connection.current_line = command.line;
  connection.responded = false;
  const answer = await notePending(opened, runner.run('unrecognized_command', connection, [verb, rest]));
  const moved = tellSession(connection, session, control);
  if (answer.code === constants.ok || answer.cancelled === true) return accept({ reply: null });
  if (answer.code === constants.next_hook) return await another(bridge, asked, String(answer.message), moved);
  if (answer.code === constants.denydisconnect || answer.code === constants.denysoftdisconnect) {
    const code = answer.code === constants.denydisconnect ? 521 : 421;
    return disconnect(refuse(opened, code, answer.message, 'Unrecognized command').reply);
  }
  if (answer.code !== constants.deny) connection.errors += 1;
  const said = replyLines(500, answer.message);
  if (answer.code !== constants.deny && said.lines.length === 0) return undefined;
  return refuse(opened, 500, answer.message, 'Unrecognized command');
}

/** A refusal in a plugin's words, or in ours. */
function refuse({ connection }: OpenConnection, code: number, words: unknown, text: string): Refusal {
  const said = replyLines(code, words);
  return refusalWith(replyFor(code, words, text, '5.1'), connection, said.lines.join(' ') || text);
}

/**
 * NEXT_HOOK: `connect` and `lookup_rdns` greet the client anew (XCLIENT), hooks of commands answer as the command does; any
 * other hook runs, and that was all.
 */
async function another(bridge: Bridge, asked: Asked, hook: string, moved: boolean): Promise<Answer> {
  const { opened } = asked;
  if (hook === 'connect' || hook === 'lookup_rdns' || hook === 'connect_init') {
    opened.again = hook;
    opened.named = hook === 'connect' && moved;
    return accept({ reply: null, again: 'connect' });
  }
  const verb = hook.toUpperCase();
  const command = Object.hasOwn(answers, verb) ? answers[verb] : undefined;
  if (command === quit) return await farewell(bridge, opened);
  if (command !== undefined) return (await command(bridge, asked)) ?? carryOut(verb, opened);
  await bridge.runner.run(hook, opened.connection);
  return opened.connection.responded ? accept({ reply: null }) : undefined;
}

/** Does and says what core would, had the client sent that command. */
function carryOut(verb: string, { control }: OpenConnection): Answer {
  if (verb === 'VRFY') return accept({ reply: reply(252, '2.5.0', 'Addresses are not verified here') });
  if (verb === 'RSET') control?.resetTransaction();
  return accept({ reply: reply(250, '2.0.0', 'OK') });
}

async function farewell({ runner }: Bridge, { connection, control }: OpenConnection): Promise<Answer> {
  const { message } = await runner.run('quit', connection);
  connection.respond(221, positiveWords(message) ?? '2.0.0 Goodbye');
  control?.disconnect();
  return accept({ reply: null });
}
