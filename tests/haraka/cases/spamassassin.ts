import type { PluginCases } from '../harness/plugin-cases.ts';
import { dated, message, plainMessage, wholeSession } from '../harness/session.ts';

const body = (text: string) => wholeSession({ message: plainMessage('x', text) });

export const spamassassin: PluginCases = {
  plugin: 'spamassassin',
  services: ['spamd'],
  setups: [
    {
      files: ({ spamd }) => ({
        'spamassassin.ini':
          `[main]\nspamd_socket=127.0.0.1:${spamd}\nspamd_user=first-recipient\nreject_threshold=10\n` +
          'munge_subject_threshold=5\nadd_headers=true\n',
      }),
      cases: [
        { name: 'writes a verdict into the header', script: body('.\nham\n..') },
        { name: 'marks the subject of likely spam', script: body('spam: 6.5') },
        { name: 'refuses certain spam', script: body('spam: 12.0') },
        {
          name: 'renames the verdict of somebody else',
          script: wholeSession({
            message: message(
              [
                ...dated,
                'X-Spam-Status: No, score=-100',
                'X-Spam-User: forged',
                'Precedence: bulk',
                'From: a@example.org',
              ],
              'spam: 5.5',
            ),
          }),
        },
        { name: 'streams a long message', script: body('a line of some length\n'.repeat(8_000)) },
      ],
    },
    {
      name: 'without a daemon',
      files: () => ({ 'spamassassin.ini': '[main]\nspamd_socket=127.0.0.1:1\n[defer]\nerror=true\n' }),
      cases: [{ name: 'puts everything off', script: wholeSession() }],
    },
  ],
};
