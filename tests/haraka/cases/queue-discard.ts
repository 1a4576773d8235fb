import type { PluginCases } from '../harness/plugin-cases.ts';
import { wholeSession } from '../harness/session.ts';

export const queueDiscard: PluginCases = {
  plugin: 'queue/discard',
  setups: [
    {
      before: ['discard_notes'],
      cases: [
        { name: 'throws a transaction away', script: wholeSession({ from: 'transaction@example.org' }) },
        { name: 'throws away what is wanted thrown away', script: wholeSession({ from: 'wanted@example.org' }) },
        {
          name: 'throws away all of a connection, nothing before',
          script: [
            ...wholeSession({ from: 'nobody@example.org' }).slice(0, -1),
            ...wholeSession({ from: 'connection@example.org' }).slice(1, -1),
            ...wholeSession({ from: 'nobody@example.org' }).slice(1),
          ],
        },
      ],
    },
    {
      name: 'of everything',
      environment: { YES_REALLY_DO_DISCARD: '1' },
      cases: [{ name: 'throws everything away', script: wholeSession() }],
    },
  ],
};
