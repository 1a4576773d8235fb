import { z } from 'zod';
import { normaliseDomain } from '../../core/domain/domain-name.ts';
import type { MailLogFilter } from '../../core/storage/ports/mail-log.ts';
import { ownerFilter } from '../auth/visibility.ts';
import type { Caller } from '../route.ts';
import { given, idSchema, instantSchema } from './fields.ts';
import { logStatusSchema } from './message-view.ts';

export const mailOwnerFields = {
  owner_id: z.string().min(1).max(100).optional().describe('For administrators: a user, or `network:` and a name'),
  credential_id: idSchema.optional().describe('Only mail of this SMTP credential'),
};

const text = z.string().min(1).max(1_000);

/** What the log is searched by, in a list and in an export alike. */
export const mailLogFilterFields = {
  ...mailOwnerFields,
  status: logStatusSchema.optional().describe('At least one recipient is in this state'),
  address: text.optional().describe('Whole address of the sender or a recipient'),
  domain: text
    .transform((name) => normaliseDomain(name) ?? name)
    .optional()
    .describe('Domain of a recipient'),
  message_id: text
    .transform((id) => (id.startsWith('<') ? id : `<${id}>`))
    .optional()
    .describe('Message-ID, with or without angle brackets'),
  upstream: text.optional().describe('Name of the upstream where a recipient was tried last'),
  from: instantSchema.optional().describe('At this time or later'),
  until: instantSchema.optional().describe('Before this time'),
  sort: z.enum(['newest', 'oldest']).default('newest').describe('Which comes first'),
};
type FilterQuery = z.output<z.ZodObject<typeof mailLogFilterFields>>;

/** The store's names for a filter, within what the caller may see. Throws FORBIDDEN. */
export function mailLogFilter(caller: Caller, query: FilterQuery): MailLogFilter {
  const { owner_id, credential_id: credentialId, message_id: messageId, sort: _, ...rest } = query;
  return { ...ownerFilter(caller, owner_id), ...given({ credentialId, messageId, ...rest }) };
}
