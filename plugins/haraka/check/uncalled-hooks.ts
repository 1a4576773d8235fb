import type { UncalledHook } from './report.ts';

/** Hooks that the bridge calls; a test holds the list against its source. */
export const calledHooks: ReadonlySet<string> = new Set([
  'init_master',
  'connect_init',
  'lookup_rdns',
  'connect',
  'helo',
  'ehlo',
  'capabilities',
  'unrecognized_command',
  'noop',
  'rset',
  'vrfy',
  'quit',
  'mail',
  'rcpt',
  'rcpt_ok',
  'data',
  'data_post',
  'queue',
  'queue_outbound',
  'pre_send_trans_email',
  'queue_ok',
  'deny',
  'reset_transaction',
  'disconnect',
  'log',
  'get_mx',
  'send_email',
  'delivered',
  'deferred',
  'bounce',
]);

const reasons: Readonly<Record<string, string>> = {
  init_child: 'there are no children of a Haraka cluster; init_master runs in each process',
  init_http: "there is no web server of Haraka's",
  init_wss: "there is no web server of Haraka's",
  max_data_exceeded: 'Sluice judges the size (smtp.limits.size) before plugins see the message',
};

/** Which of a plugin's hooks are never called here, and why. One that prepares masters and children alike is prepared. */
export const uncalledHooks = (hooks: readonly string[]): UncalledHook[] =>
  hooks
    .filter((hook) => !calledHooks.has(hook) && !(hook === 'init_child' && hooks.includes('init_master')))
    .map((hook) => ({ hook, why: reasons[hook] ?? 'Sluice has no such hook; another plugin may call it' }));
