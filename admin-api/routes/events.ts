import { z } from 'zod';
import { eventTypes } from '../../core/domain/event.ts';
import { ownerFilter } from '../auth/visibility.ts';
import type { EventStreams } from '../events/event-streams.ts';
import { eventSchema, missedSchema } from '../events/event-view.ts';
import { bind, defineRoute } from '../route.ts';
import { given, idSchema } from './fields.ts';

const known = new Set<string>(eventTypes);
const typesSchema = z
  .string()
  .max(500)
  .refine((text) => text.split(',').every((type) => known.has(type)), `expected some of ${eventTypes.join(', ')}`)
  .transform((text) => eventTypes.filter((type) => text.split(',').includes(type)));
const seenSchema = z
  .string()
  .regex(/^\d{1,15}$/, 'expected the id of an event')
  .transform(Number);

export const streamEvents = defineRoute({
  id: 'streamEvents',
  method: 'GET',
  path: '/api/events',
  tag: 'events',
  summary: 'What happens, as it happens: a stream of server-sent events',
  description:
    'Each event has its id, its type as the name and the JSON of the schema as its data. A user is told of their own ' +
    'mail, administrators of everything. Events are kept for 24 hours: with Last-Event-ID a client goes on where it was ' +
    'cut off; what is kept no longer is told by an event `missed`. `EventSource` of browsers cannot send a token: read ' +
    'the stream with `fetch` (docs/events.md).',
  security: 'user',
  scope: 'mail:read',
  query: z.strictObject({
    types: typesSchema
      .optional()
      .describe('Only these, separated by commas')
      .meta({ examples: ['delivered,bounced'] }),
    owner_id: z.string().min(1).max(100).optional().describe('For administrators: a user, or `network:` and a name'),
    credential_id: idSchema.optional().describe('Only mail of this SMTP credential'),
    last_event_id: seenSchema.optional().describe('As Last-Event-ID, which comes first'),
  }),
  headers: z.object({
    'last-event-id': seenSchema.optional().describe('The last id that the client has seen; default: begin now'),
  }),
  answers: {
    200: {
      description: 'The stream; it ends when the token does, and comments keep it open meanwhile',
      mediaTypes: ['text/event-stream'],
      contentSchema: z.union([eventSchema, missedSchema]),
    },
  },
  errors: ['FORBIDDEN'],
});

export const eventRoutes = [streamEvents];

export function bindEvents({ eventStreams }: { eventStreams: EventStreams }) {
  return [
    bind(streamEvents)(async ({ caller, query, headers, request }) => {
      const stream = await eventStreams.open({
        caller,
        callerNow: request.callerNow,
        filter: {
          ...ownerFilter(caller, query.owner_id),
          ...given({ credentialId: query.credential_id, types: query.types }),
        },
        seen: headers['last-event-id'] ?? query.last_event_id ?? null,
      });
      // Nginx gathers what comes in small pieces unless told not to.
      return { status: 200, body: stream, cut: stream.cut, headers: { 'X-Accel-Buffering': 'no' } };
    }),
  ];
}
