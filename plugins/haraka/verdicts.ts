import { defer, disconnect, type Refusal, type Reply, reject } from '../../core/pipeline/plugin.ts';
import type { HookAnswer } from './hook-runner.ts';
import type { Libraries } from './libraries.ts';
import { replyFor, replyLines } from './reply-words.ts';

/** How Haraka words the refusals of one hook: reply codes for DENY and DENYSOFT, and what is said where a plugin says nothing. */
export interface RefusalForm {
  readonly deny: number;
  readonly denysoft: number;
  readonly text: string;
  /** Subject and detail of the enhanced code, where the plugin gives none. */
  readonly detail?: string;
  /** True where DISCONNECT refuses, as at connect; elsewhere Haraka takes it for no refusal. */
  readonly disconnectRefuses?: boolean;
}

/** Whether a denial is for now only. What DSN came with it does not matter: Haraka counts by this, too. */
export const isSoft = (code: number, { denysoft, denysoftdisconnect }: Libraries['constants']): boolean =>
  code === denysoft || code === denysoftdisconnect;

/** A refusal in the connection's memory and, by the reply's code, as a verdict: a DSN brings a code of its own. */
export function refusalWith(answer: Reply, connection: { last_reject: string }, said: string): Refusal {
  connection.last_reject = `${answer.code} ${said.replaceAll('\n', ' ')}`;
  return answer.code < 500 ? defer(answer) : reject(answer);
}

/** The refusal an answer means, or undefined for one that lets the client go on. The connection remembers it. */
export function refusalOf(
  { code, message, plugin }: HookAnswer,
  form: RefusalForm,
  constants: Libraries['constants'],
  connection: { last_reject: string },
): Refusal | undefined {
  const { deny, denysoft, denydisconnect, denysoftdisconnect } = constants;
  const closes =
    code === denydisconnect ||
    code === denysoftdisconnect ||
    (form.disconnectRefuses === true && code === constants.disconnect);
  const permanent = code === deny || code === denydisconnect || code === constants.disconnect;
  if (!closes && code !== deny && code !== denysoft) return undefined;
  const cause = plugin === null ? undefined : `Haraka plugin ${plugin}`;
  const said = replyLines(permanent ? form.deny : form.denysoft, message);
  const reply = replyFor(permanent ? form.deny : form.denysoft, message, form.text, form.detail ?? '7.1', cause);
  const refused = refusalWith(reply, connection, said.lines.length === 0 ? form.text : said.lines.join(' '));
  return closes ? disconnect(reply) : refused;
}
