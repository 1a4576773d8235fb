import { available } from '../../tests/support/available.ts';
import { runChild } from '../../tests/support/child.ts';
import { startPostfix } from '../../tests/support/postfix.ts';
import type { Relay } from './relay.ts';

/** Every message goes to the hold queue, written and flushed like any other, and stays there. */
const queueOnly = { smtpd_recipient_restrictions: 'check_client_access static:HOLD' };

const postfix = (name: string, label: string, settings: Readonly<Record<string, string>>): Relay => ({
  name,
  label,
  difference: 'no login: it knows the sender by its network',
  relays: true,
  share: 0.25,
  flushes: true,
  missing: () => {
    const { found, remedy } = available('postfix');
    return found === undefined ? remedy : undefined;
  },
  prepare: async () => (await runChild('postconf', ['-d', '-h', 'mail_version'])).stdout.trim(),
  start: async ({ folder, upstream, sending, startTls }) => {
    const running = await startPostfix({
      relayTo: `127.0.0.1:${upstream}`,
      parent: folder,
      tls: startTls,
      settings: { ...settings, ...(sending ? {} : queueOnly) },
    });
    return { port: running.port, pids: [running.pid], login: null, stop: running.stop };
  },
});

export const postfixAsShipped = postfix('postfix', 'Postfix', {});
export const postfixWithoutDelay = postfix('postfix-nodelay', 'Postfix, in_flow_delay=0', { in_flow_delay: '0' });
