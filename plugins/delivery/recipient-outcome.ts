import type { RecipientOutcome } from '../../core/domain/delivery.ts';
import type { RecipientRecord } from '../../core/domain/message.ts';
import { isPermanent } from '../../core/domain/reply.ts';
import type { Verdict } from './transaction.ts';

/** 5yz codes that speak of our login or TLS, whatever command they answer (RFC 4954 §6, RFC 3207 §4). */
const aboutOurSession = new Set([530, 534, 535, 538]);

/** True for a refusal that is our settings' fault and not this message's. */
export const isOurFault = (verdict: Verdict): boolean =>
  verdict.kind === 'refused' && aboutOurSession.has(verdict.reply.code);

/** True where another upstream may be tried at once: nothing was sent that could arrive twice. */
export const mayTryAnother = (verdict: Verdict): boolean => verdict.kind === 'lost' || isOurFault(verdict);

/** What a verdict means for a recipient. `until` is when to come back where our own settings are at fault. */
export function recipientOutcome(
  verdict: Verdict,
  recipient: RecipientRecord | undefined,
  passesDsnOn: boolean,
  until: number,
): RecipientOutcome {
  const { reply } = verdict;
  switch (verdict.kind) {
    case 'accepted': {
      // RFC 3461 §5.2.2: the next hop will not report a success, so that this one has to.
      const reportIsOurs = !passesDsnOn && recipient?.parameters?.notify?.includes('SUCCESS') === true;
      return { do: reportIsOurs ? 'relayed' : 'delivered', reply };
    }
    case 'refused':
      if (isOurFault(verdict)) return { do: 'postponed', reply, until };
      return { do: isPermanent(reply) ? 'bounced' : 'deferred', reply };
    case 'lost':
      return { do: 'deferred', reply };
    case 'unknown':
      return { do: 'deferred', reply, ambiguous: true };
    case 'unfit':
      return { do: 'held', reply };
  }
}
