import type { AcceptedRecipients } from '../ports/accepted-recipients.ts';
import type { MailLog } from '../ports/mail-log.ts';

/** What counters start from that lost their memory. */
export const acceptedRecipients = ({ acceptedBetween }: Pick<MailLog, 'acceptedBetween'>): AcceptedRecipients => ({
  accepted(owner, from, until) {
    const [kind, ...id] = owner.split(':');
    const whose = id.join(':');
    return acceptedBetween(kind === 'user' ? { ownerId: whose } : { credentialId: whose }, from, until);
  },
});
