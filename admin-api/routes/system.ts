import { z } from 'zod';
import { finalStates, openStates } from '../../core/domain/message.ts';
import type { MailLog } from '../../core/storage/ports/mail-log.ts';
import { component } from '../components.ts';
import { bind, defineRoute } from '../route.ts';
import { recipientStateSchema } from './message-view.ts';

const conservationSchema = component(
  'Conservation',
  z.strictObject({
    accepted: z.int().describe('Recipients accepted from clients'),
    generated: z.int().describe('Recipients of bounces and reports that Sluice made itself'),
    states: z.record(recipientStateSchema, z.int()).describe('Where they all are now'),
    balanced: z.boolean().describe('accepted + generated = the sum of the states'),
  }),
);

export const getConservation = defineRoute({
  id: 'getConservation',
  method: 'GET',
  path: '/api/system/conservation',
  tag: 'system',
  summary: 'Is every accepted recipient accounted for?',
  security: 'admin',
  answers: { 200: { description: 'The sum', schema: conservationSchema } },
});

export const systemRoutes = [getConservation];

export function bindSystem({ mailLog }: { mailLog: MailLog }) {
  return [
    bind(getConservation)(async () => {
      const { accepted, generated, states, balanced } = await mailLog.conservation();
      const all = [...openStates, ...finalStates];
      const counts = Object.fromEntries(all.map((state) => [state, states[state]])) as typeof states;
      return { status: 200, body: { accepted, generated, states: counts, balanced } };
    }),
  ];
}
