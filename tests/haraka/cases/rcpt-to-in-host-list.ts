import type { PluginCases } from '../harness/plugin-cases.ts';
import { plainMessage, wholeSession } from '../harness/session.ts';

export const inHostList: PluginCases = {
  plugin: 'rcpt_to.in_host_list',
  setups: [
    {
      files: () => ({ host_list: 'listed.test\nUpper.Test\n', host_list_regex: '.*\\.sub\\.test\n' }),
      cases: [
        { name: 'takes mail for a listed domain', script: wholeSession({ to: ['user@listed.test'] }) },
        {
          name: 'does not mind the case of a domain',
          script: wholeSession({ to: ['user@LISTED.test', 'user@upper.test'] }),
        },
        { name: 'takes mail for a domain that a pattern matches', script: wholeSession({ to: ['a@b.sub.test'] }) },
        {
          name: 'leaves the others to the server, which refuses them',
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<sender@example.org>',
            'RCPT TO:<user@unlisted.test>',
            'RCPT TO:<user@listed.test>',
            'RCPT TO:<user>',
            { data: plainMessage() },
            'QUIT',
          ],
        },
        {
          name: 'notes a sender whose domain is listed, and skips the null sender',
          script: [
            ...wholeSession({ from: 'me@listed.test' }).slice(0, -1),
            'MAIL FROM:<>',
            'RCPT TO:<user@listed.test>',
            'RSET',
            'QUIT',
          ],
        },
      ],
    },
    {
      name: 'against spoofing',
      files: () => ({ host_list: 'listed.test\n', 'host_list.anti_spoof': 'true\n' }),
      cases: [
        {
          name: 'refuses a listed sender from outside',
          script: ['EHLO client.example.org', 'MAIL FROM:<me@listed.test>', 'MAIL FROM:<me@example.org>', 'QUIT'],
        },
      ],
    },
  ],
};
