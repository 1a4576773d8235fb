import type { HookHandlers } from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import { commandGate } from './command-gate.ts';
import { connectGate } from './connect-gate.ts';
import { dataGate } from './data-gate.ts';
import { disconnected, transactionEnded, transactionQueued } from './endings.ts';
import { capabilitiesGate, heloGate } from './hello-gates.ts';
import { mailGate } from './mail-gate.ts';
import { messageGate } from './message-gate.ts';
import { queueHook } from './queue-hook.ts';
import { rcptGate } from './rcpt-gate.ts';

/** Core gives a session up after ten minutes within one command; a call shall end before that. */
const longestCall = 9.5 * 60_000;
/** Room for what the bridge itself does: reading a large message, a PTR record. */
const own = 30_000;

/** The bridge's places in the pipeline of an `smtp` process. Each call may take as long as its plugins may together. */
export function smtpHooks(bridge: Bridge): HookHandlers {
  const { runner } = bridge;
  const within = (...hooks: readonly string[]) => ({
    timeoutMilliseconds: Math.min(runner.longest(...hooks) + own, longestCall),
  });
  return {
    connect: { handler: connectGate(bridge), ...within('connect_init', 'lookup_rdns', 'connect') },
    helo: { handler: heloGate(bridge), ...within('helo', 'ehlo') },
    ...(runner.has('capabilities')
      ? { capabilities: { handler: capabilitiesGate(bridge), ...within('capabilities') } }
      : {}),
    mailFrom: { handler: mailGate(bridge), ...within('mail') },
    rcptTo: { handler: rcptGate(bridge), ...within('rcpt', 'rcpt_ok') },
    data: { handler: dataGate(bridge), ...within('data') },
    message: { handler: messageGate(bridge), ...within('data_post') },
    queue: {
      handler: queueHook(bridge),
      ...within('queue', 'queue_outbound', 'pre_send_trans_email', 'queue_ok'),
    },
    command: {
      handler: commandGate(bridge),
      ...within('noop', 'rset', 'quit', 'vrfy', 'unrecognized_command'),
    },
    queued: transactionQueued(bridge),
    transactionEnd: transactionEnded(bridge),
    disconnect: disconnected(bridge),
  };
}
