import type { ConfigFiles, Surroundings } from './plugin-cases.ts';
import type { Step } from './session.ts';
import type { Shown } from './shown.ts';

/** Every hook that a session of a client may run. */
export const sessionHooks = [
  'connect_init',
  'lookup_rdns',
  'connect',
  'helo',
  'ehlo',
  'capabilities',
  'unrecognized_command',
  'noop',
  'rset',
  'quit',
  'vrfy',
  'mail',
  'rcpt',
  'rcpt_ok',
  'data',
  'max_data_exceeded',
  'data_post',
  'queue',
  'queue_outbound',
  'queue_ok',
  'deny',
  'reset_transaction',
  'disconnect',
  'pre_send_trans_email',
] as const;
export type SessionHook = (typeof sessionHooks)[number];

export const answerCodes = [
  'CONT',
  'undefined',
  'OK',
  'DENY',
  'DENYSOFT',
  'DENYDISCONNECT',
  'DENYSOFTDISCONNECT',
  'DISCONNECT',
  'STOP',
  'DELAY',
  'NEXT_HOOK',
] as const;
export type AnswerCode = (typeof answerCodes)[number];

/** What goes with the code; `dsn`: arguments of `DSN.create`. */
export type PlannedWords =
  | string
  | readonly string[]
  | { readonly dsn: readonly [code: number, text: string, subject: number, detail: number] };

/** What the plugin `planned` answers to a hook, or which of its recipes (site-plugins/recipes.js) it follows. */
export type PlannedAnswer =
  | { readonly code: AnswerCode; readonly words?: PlannedWords }
  | { readonly recipe: string; readonly argument?: unknown };

/** One session and what the plugin answers in it. */
export interface PlannedCase {
  readonly name: string;
  readonly plan: Readonly<Partial<Record<SessionHook, PlannedAnswer>>>;
  /** `sender` is the case's own, so that its mail is known at the sink. */
  readonly script: (sender: string) => readonly Step[];
  /** What differs, where Sluice means to differ; otherwise nothing may. */
  readonly shows?: Shown;
}

/** A case with a client address and a sender of its own. */
export interface PlacedCase {
  readonly planned: PlannedCase;
  readonly client: string;
  readonly sender: string;
}

/** Addresses that plugins take for public ones, one a case. */
export const place = (cases: readonly PlannedCase[]): readonly PlacedCase[] =>
  cases.map((planned, at) => ({
    planned,
    client: `45.${33 + Math.floor(at / 40_000)}.${Math.floor(at / 200) % 200}.${1 + (at % 200)}`,
    sender: `s${at}@example.org`,
  }));

/** The plan as the plugin reads it. Haraka forwards what comes for its own domains, and queues what goes out. */
export const planFiles = (cases: readonly PlacedCase[], { sink }: Surroundings): ConfigFiles => ({
  sink_port: `${sink}\n`,
  'smtp_forward.ini': `[main]\nhost=127.0.0.1\nport=${sink}\nenable_outbound=false\nenable_tls=false\n`,
  'plan.json': JSON.stringify({
    hooks: sessionHooks,
    sessions: Object.fromEntries(cases.map(({ client, planned }) => [client, planned.plan])),
  }),
  'planned.timeout': '1\n',
});
