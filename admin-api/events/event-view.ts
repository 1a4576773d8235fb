import { z } from 'zod';
import { eventTypes, mailEventTypes, type SluiceEvent } from '../../core/domain/event.ts';
import { component } from '../components.ts';
import { idSchema, isoTime, timeSchema } from '../routes/fields.ts';

export const eventTypeSchema = component('EventType', z.enum(eventTypes));

const eventId = z.int().describe('Counts up; never used again');
const mailEventSchema = component(
  'MailEvent',
  z.strictObject({
    id: eventId,
    type: z
      .enum(mailEventTypes)
      .describe('`deferred`: a try ended in “later”; `rejected`: refused in the SMTP dialogue'),
    at: timeSchema,
    owner_id: z.string().nullable().describe('A user’s id, or `network:` and the name of a trusted network'),
    credential_id: idSchema.nullable(),
    mail_log_id: idSchema.describe('`GET /api/mail-logs/{id}` tells more'),
    message_id: z.string().nullable().describe('Message-ID with its angle brackets'),
    sender: z.string().describe('Reverse-path; empty for `<>`'),
    recipients: z.array(z.string()).describe('Those with this outcome'),
    upstream: z.string().nullable(),
    reply: z.string().nullable().describe('Last reply or reason'),
  }),
);
const configurationEventSchema = component(
  'ConfigurationEvent',
  z.strictObject({
    id: eventId,
    type: z.literal('configuration_changed'),
    at: timeSchema,
    version: z.int().describe('Number of the settings now in force: `GET /api/plugins/history`'),
    cause: z.string().describe('`change`, `order`, `reset`, `roll-back`, `reload` or `start`'),
  }),
);
export const eventSchema = component('Event', z.union([mailEventSchema, configurationEventSchema]));
export type EventView = z.infer<typeof eventSchema>;

/** Stands in a stream where events are kept no longer. */
export const missedSchema = component(
  'MissedEvents',
  z.strictObject({
    type: z.literal('missed'),
    after: z.int().describe('The id that the client had seen last'),
    next: z.int().describe('The first one that can still be told'),
  }),
);

export function eventView(event: SluiceEvent): EventView {
  const { id, at } = event;
  if (event.type === 'configuration_changed') {
    return { id, type: event.type, at: isoTime(at), version: event.version, cause: event.cause };
  }
  return {
    id,
    type: event.type,
    at: isoTime(at),
    owner_id: event.ownerId,
    credential_id: event.credentialId,
    mail_log_id: event.entryId,
    message_id: event.messageId,
    sender: event.sender,
    recipients: [...event.recipients],
    upstream: event.upstream,
    reply: event.reply,
  };
}
