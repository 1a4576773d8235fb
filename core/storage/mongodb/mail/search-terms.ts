import type { MessageFacts, RecipientRecord, RefusalRecord } from '../../../domain/message.ts';

/** What can be searched for; the first letter keeps the kinds apart. */
export const term = {
  address: (address: string): string => `a${address.toLowerCase()}`,
  domain: (domain: string): string => `d${domain.toLowerCase()}`,
  messageId: (messageId: string): string => `m${messageId}`,
};

/** The domain of an address as it stands in an envelope; all of it where there is none. */
const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1);

export function messageTerms(facts: MessageFacts, recipients: readonly RecipientRecord[]): string[] {
  const terms = new Set([term.address(facts.sender)]);
  if (facts.messageId !== null) terms.add(term.messageId(facts.messageId));
  for (const { address, domain } of recipients) {
    terms.add(term.address(address));
    terms.add(term.domain(domain));
  }
  return [...terms];
}

export function refusalTerms({ sender, recipients }: RefusalRecord): string[] {
  const terms = new Set([term.address(sender)]);
  for (const address of recipients) {
    terms.add(term.address(address));
    terms.add(term.domain(domainOf(address)));
  }
  return [...terms];
}
