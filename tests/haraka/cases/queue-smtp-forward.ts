import { at } from '../../support/sink-script.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import { plainMessage, wholeSession } from '../harness/session.ts';

export const queueSmtpForward: PluginCases = {
  plugin: 'queue/smtp_forward',
  setups: [
    {
      queue: 'plugins',
      files: ({ sink }) => ({ 'smtp_forward.ini': `[main]\nhost=127.0.0.1\nport=${sink}\n` }),
      cases: [
        {
          name: 'forwards a message, and its answer',
          script: wholeSession({ to: ['a@example.com', 'b@example.com'] }),
        },
        {
          name: 'forwards dots and the null sender',
          script: wholeSession({ from: '', message: plainMessage('x', '.\n..\n.end\n\n') }),
        },
        {
          name: 'passes a refusal of the message on',
          sink: at('dot', { reply: '554 5.7.1 Not this one' }),
          script: wholeSession(),
        },
        {
          name: 'passes a refusal of a recipient on',
          sink: at('rcpt', { reply: '550 5.1.1 No such user' }),
          script: wholeSession(),
        },
        { name: 'passes a delay on', sink: at('dot', { reply: '451 4.3.0 Later' }), script: wholeSession() },
        {
          name: 'forwards two messages of one session',
          script: [
            ...wholeSession({ from: 'one@example.org' }).slice(0, -1),
            ...wholeSession({ from: 'two@example.org' }).slice(1),
          ],
        },
      ],
    },
    {
      name: 'checking sender and recipient',
      queue: 'plugins',
      files: ({ sink }) => ({
        'smtp_forward.ini':
          `[main]\nhost=127.0.0.1\nport=${sink}\ncheck_sender=true\ncheck_recipient=true\none_message_per_rcpt=true\n` +
          `[routed.test]\nhost=127.0.0.1\nport=${sink}\n[other.test]\nhost=127.0.0.2\nport=${sink}\n`,
      }),
      cases: [
        { name: 'takes mail for its domains', script: wholeSession({ to: ['a@routed.test', 'b@routed.test'] }) },
        {
          name: 'refuses a sender of its own domains',
          script: ['EHLO client.example.org', 'MAIL FROM:<a@routed.test>', 'MAIL FROM:<a@example.org>', 'QUIT'],
        },
        {
          name: 'splits recipients of two servers',
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<a@routed.test>',
            'RCPT TO:<b@other.test>',
            'RCPT TO:<c@elsewhere.test>',
            { data: plainMessage() },
            'QUIT',
          ],
        },
      ],
    },
    {
      name: 'of a client that may relay, with a login',
      queue: 'plugins',
      before: ['relay'],
      files: ({ sink }) => ({
        relay_acl_allow: '127.0.0.1/32\n',
        'smtp_forward.ini': `[main]\nhost=127.0.0.1\nport=${sink}\nenable_outbound=true\nauth_type=plain\nauth_user=me\nauth_pass=secret\n`,
      }),
      cases: [{ name: 'forwards what goes out, too', script: wholeSession({ to: ['a@elsewhere.test'] }) }],
    },
  ],
};
