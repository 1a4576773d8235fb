import { z } from 'zod';
import type { HealthReport, HealthSource } from '../../core/observability/health.ts';
import { component } from '../components.ts';
import { bind, defineRoute } from '../route.ts';
import { isoTime, isoTimeOrNull, timeSchema } from './fields.ts';
import { queueStateSchema, queueStateView } from './queue-state-view.ts';

const healthSchema = component(
  'Health',
  z.strictObject({
    status: z.enum(['ok', 'degraded', 'down']).describe('`degraded`: an upstream is down, mail waits'),
    store: z.enum(['up', 'down']),
    upstreams: z.array(
      z.strictObject({
        name: z.string(),
        state: z.enum(['up', 'down', 'probing', 'unknown']),
        details: z
          .strictObject({ target: z.string(), since: timeSchema.nullable(), last_error: z.string().nullable() })
          .optional()
          .describe('With an administrator’s token only'),
      }),
    ),
    details: z
      .strictObject({ version: z.string(), started_at: timeSchema, queue: queueStateSchema.nullable() })
      .optional()
      .describe('With an administrator’s token only'),
  }),
);

const aliveSchema = z.strictObject({ status: z.enum(['ok', 'down']) });

export const getHealth = defineRoute({
  id: 'getHealth',
  method: 'GET',
  path: '/health',
  tag: 'health',
  summary: 'Do process and store answer, and how are the upstreams?',
  security: 'optional',
  limited: false,
  answers: {
    200: { description: 'Process and store answer', schema: healthSchema },
    503: { description: 'The store does not answer', schema: healthSchema },
  },
});

export const getLiveness = defineRoute({
  id: 'getLiveness',
  method: 'GET',
  path: '/health/live',
  tag: 'health',
  summary: 'Does the process answer?',
  security: 'none',
  limited: false,
  answers: { 200: { description: 'It does', schema: aliveSchema } },
});

export const getReadiness = defineRoute({
  id: 'getReadiness',
  method: 'GET',
  path: '/health/ready',
  tag: 'health',
  summary: 'Can mail be taken?',
  security: 'none',
  limited: false,
  answers: {
    200: { description: 'It can', schema: aliveSchema },
    503: { description: 'The store does not answer', schema: aliveSchema },
  },
});

export const healthRoutes = [getHealth, getLiveness, getReadiness];

const summary = (report: HealthReport) => {
  if (report.store === 'down') return 'down';
  return report.upstreams.some(({ state }) => state === 'down' || state === 'probing') ? 'degraded' : 'ok';
};

export function bindHealth({ health, version }: { health: HealthSource; version: string }) {
  return [
    bind(getHealth)(async ({ caller }) => {
      const report = await health.report();
      const detailed = caller?.role === 'admin';
      const { queue } = report;
      const body = {
        status: summary(report),
        store: report.store,
        upstreams: report.upstreams.map(({ name, state, target, since, lastError }) => ({
          name,
          state,
          ...(detailed ? { details: { target, since: isoTimeOrNull(since), last_error: lastError } } : {}),
        })),
        ...(detailed
          ? {
              details: {
                version,
                started_at: isoTime(report.startedAt),
                queue: queue === null ? null : queueStateView(queue),
              },
            }
          : {}),
      } as const;
      return { status: report.store === 'up' ? 200 : 503, body };
    }),
    bind(getLiveness)(async () => ({ status: 200, body: { status: 'ok' } })),
    bind(getReadiness)(async () => {
      const { store } = await health.report();
      return store === 'up' ? { status: 200, body: { status: 'ok' } } : { status: 503, body: { status: 'down' } };
    }),
  ];
}
