import { defer, disconnect, type Refusal, reject } from '../../core/pipeline/plugin.ts';
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
  connection.last_reject = `${said.code} ${said.lines.length === 0 ? form.text : said.lines.join(' ')}`;
  const reply = replyFor(permanent ? form.deny : form.denysoft, message, form.text, form.detail ?? '7.1', cause);
  if (closes) return disconnect(reply);
  // A DSN brings a code of its own, whatever the verdict was.
  return reply.code < 500 ? defer(reply) : reject(reply);
}
