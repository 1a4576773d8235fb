import type { PlannedAnswer, PlannedCase, SessionHook } from '../../harness/planned.ts';
import { plainMessage, type Step } from '../../harness/session.ts';

type Script = PlannedCase['script'];

const hello = 'EHLO client.example.org';
const mail = (sender: string): string => `MAIL FROM:<${sender}>`;
const rcpt = 'RCPT TO:<user@example.com>';
const data: Step = { data: plainMessage() };

/** What a client does that meets the hook, and what it does next, so that the state behind the answer is seen. */
const meets: Readonly<Record<SessionHook, Script>> = {
  connect_init: (sender) => [hello, 'NOOP', mail(sender), 'QUIT'],
  lookup_rdns: (sender) => [hello, 'NOOP', mail(sender), 'QUIT'],
  connect: (sender) => [hello, 'NOOP', mail(sender), 'QUIT'],
  helo: (sender) => ['HELO client.example.org', mail(sender), 'QUIT'],
  ehlo: (sender) => [hello, mail(sender), 'QUIT'],
  capabilities: (sender) => [hello, mail(sender), 'QUIT'],
  unrecognized_command: (sender) => [hello, mail(sender), 'XYZZY some  thing', rcpt, 'QUIT'],
  noop: (sender) => [hello, mail(sender), 'NOOP some thing', rcpt, 'QUIT'],
  rset: (sender) => [hello, mail(sender), 'RSET', rcpt, 'QUIT'],
  quit: (sender) => [hello, mail(sender), 'QUIT'],
  vrfy: (sender) => [hello, mail(sender), 'VRFY user', rcpt, 'QUIT'],
  mail: (sender) => [hello, mail(sender), rcpt, 'RSET', mail(sender), 'QUIT'],
  rcpt: (sender) => [hello, mail(sender), rcpt, 'RCPT TO:<user@elsewhere.test>', 'RSET', mail(sender), 'QUIT'],
  rcpt_ok: (sender) => [hello, mail(sender), rcpt, 'RCPT TO:<other@example.com>', 'RSET', mail(sender), 'QUIT'],
  data: (sender) => [hello, mail(sender), rcpt, data, 'NOOP', mail(sender), 'QUIT'],
  max_data_exceeded: (sender) => [hello, mail(sender), rcpt, data, 'QUIT'],
  data_post: (sender) => [hello, mail(sender), rcpt, data, 'NOOP', mail(sender), 'QUIT'],
  queue: (sender) => [hello, mail(sender), rcpt, data, mail(sender), 'QUIT'],
  queue_outbound: (sender) => [hello, mail(sender), 'RCPT TO:<user@elsewhere.test>', data, mail(sender), 'QUIT'],
  queue_ok: (sender) => [hello, mail(sender), rcpt, data, mail(sender), 'QUIT'],
  deny: (sender) => [hello, mail(sender), rcpt, 'QUIT'],
  reset_transaction: (sender) => [hello, mail(sender), 'RSET', mail(sender), rcpt, data, 'QUIT'],
  disconnect: (sender) => [hello, mail(sender), 'QUIT'],
  pre_send_trans_email: (sender) => [hello, mail(sender), 'RCPT TO:<user@elsewhere.test>', data, mail(sender), 'QUIT'],
};

/** What the plugin has to do elsewhere for the hook to be met. */
const leads: Readonly<Partial<Record<SessionHook, PlannedCase['plan']>>> = {
  queue_outbound: { connect: { recipe: 'relaying' } },
  pre_send_trans_email: { connect: { recipe: 'relaying' }, queue_outbound: { code: 'STOP' } },
  deny: { mail: { code: 'DENY', words: 'denied first' } },
};

/** A session in which the plugin answers so to that hook. */
export const meeting = (
  hook: SessionHook,
  name: string,
  answer: PlannedAnswer,
  more: PlannedCase['plan'] = {},
): PlannedCase => ({ name, plan: { ...leads[hook], [hook]: answer, ...more }, script: meets[hook] });
