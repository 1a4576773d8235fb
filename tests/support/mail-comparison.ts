import type { CapturedMail } from './captured-mail.ts';
import type { PromisedMail } from './cluster-journals.ts';

export interface MailComparison {
  /** Promised, and never come. */
  readonly lost: readonly PromisedMail[];
  /** Come with another body than was sent. */
  readonly changed: readonly PromisedMail[];
  /** Message-IDs of what came more than once, with the number of copies. */
  readonly doubled: ReadonlyMap<string, number>;
}

/** Holds what came against what was promised, by Message-ID and by the hash of each body. */
export function compareMail(promised: readonly PromisedMail[], mails: readonly CapturedMail[]): MailComparison {
  const copies = Map.groupBy(mails, ({ messageId }) => messageId);
  const of = ({ messageId }: PromisedMail): readonly CapturedMail[] => copies.get(messageId) ?? [];
  const several = [...copies].filter(([, same]) => same.length > 1);
  return {
    lost: promised.filter((one) => of(one).length === 0),
    changed: promised.filter((one) => of(one).some(({ bodyHash }) => bodyHash !== one.bodyHash)),
    doubled: new Map(several.map(([messageId, same]) => [messageId, same.length])),
  };
}
