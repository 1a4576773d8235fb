import type { RecipientRecord } from '../../domain/message.ts';

/** Action field of RFC 3464 §2.3.3, as far as a relay says it. */
export type ReportKind = 'failed' | 'delayed' | 'relayed';

export interface ReportRules {
  /** Age at which a delay is told, in milliseconds. */
  readonly delay_report: number;
}

/**
 * What the sender is to be told of a recipient's new state (RFC 3461 §4.1, §5.2), or null. Without NOTIFY failures are
 * told and nothing else; a delay once. `after` is marked when its delay is told.
 */
export function reportKind(after: RecipientRecord, age: number, rules: ReportRules): ReportKind | null {
  const notify = after.parameters?.notify;
  switch (after.state) {
    case 'bounced':
    case 'expired':
      return notify === undefined || notify.includes('FAILURE') ? 'failed' : null;
    case 'relayed':
      return notify?.includes('SUCCESS') ? 'relayed' : null;
    case 'deferred':
      if (after.delayReported === true || age < rules.delay_report || !notify?.includes('DELAY')) return null;
      after.delayReported = true;
      return 'delayed';
    default:
      return null;
  }
}
