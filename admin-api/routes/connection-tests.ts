import { z } from 'zod';
import { writtenShape } from '../../core/config/written-form.ts';
import type { ConnectionTest } from '../../core/domain/connection-test.ts';
import { bind, defineRoute } from '../route.ts';
import { connectionTestSchema, connectionTestView } from './connection-test-view.ts';
import { upstreamShape } from './upstream-view.ts';
import { upstreamParams } from './upstreams.ts';

const tag = 'upstreams';

export const testUpstream = defineRoute({
  id: 'testUpstream',
  method: 'POST',
  path: '/api/upstreams/{name}/test-connection',
  tag,
  summary: 'Can mail be handed to this upstream?',
  description:
    'Connects from the relay with the settings in force, through TLS and login, and takes leave before any mail. Ends after `timeouts.connect`, or 20 seconds.',
  security: 'admin',
  scope: 'admin',
  params: upstreamParams,
  answers: { 200: { description: 'How far it came', schema: connectionTestSchema } },
  errors: ['NOT_FOUND', 'CONFLICT', 'RATE_LIMITED'],
});

export const testUpstreamSettings = defineRoute({
  id: 'testUpstreamSettings',
  method: 'POST',
  path: '/api/upstreams/test-connection',
  tag,
  summary: 'Would these settings of an upstream work?',
  description:
    'Nothing is saved, and no saved password is used. The host has to be that of an upstream, at its port or one of 25, 465, 587 and 2525; `api.connection_test_networks` allows others.',
  security: 'admin',
  scope: 'admin',
  body: z.strictObject(writtenShape(upstreamShape)).meta({
    examples: [{ host: 'smtp.example.com', port: 587, username: 'relay', password: 'the password' }],
  }),
  answers: { 200: { description: 'How far it came', schema: connectionTestSchema } },
  errors: ['CONFLICT', 'RATE_LIMITED'],
});

export const connectionTestRoutes = [testUpstreamSettings, testUpstream];

/** Tries sessions with upstreams, from where mail is relayed. */
export interface UpstreamTests {
  /** With the settings in force. Throws `NOT_FOUND`, `CONFLICT` for a capture box, `RATE_LIMITED`. */
  ofConfigured(name: string): Promise<ConnectionTest>;
  /** With these, as they would be written. Throws `REQUEST_INVALID`, `FORBIDDEN` for another host, `CONFLICT`, `RATE_LIMITED`. */
  ofSettings(settings: Readonly<Record<string, unknown>>): Promise<ConnectionTest>;
}

export function bindConnectionTests({ upstreamTests }: { upstreamTests: UpstreamTests }) {
  return [
    bind(testUpstream)(async ({ params }) => ({
      status: 200,
      body: connectionTestView(await upstreamTests.ofConfigured(params.name)),
    })),

    bind(testUpstreamSettings)(async ({ body }) => ({
      status: 200,
      body: connectionTestView(await upstreamTests.ofSettings(body)),
    })),
  ];
}
