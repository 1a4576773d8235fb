import type { MessageRecord } from '../../core/domain/message.ts';
import type { UpstreamSettings } from './upstream-settings.ts';

/** True if no domains are listed, or `domain` is one of them, or lies below one written with a leading dot. */
export function listed(domains: readonly string[], domain: string): boolean {
  if (domains.length === 0) return true;
  return domains.some((entry) => (entry.startsWith('.') ? domain.endsWith(entry) : domain === entry));
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase();
const isSpecific = (upstream: UpstreamSettings): boolean =>
  upstream.recipientDomains.length > 0 || upstream.senderDomains.length > 0;

/**
 * Names of the upstreams for one recipient, in the order of fail-over. Upstreams that list domains come alone: mail
 * for them must not leak to a general one when they are down.
 */
export function routeFor(
  upstreams: readonly UpstreamSettings[],
  record: MessageRecord,
  index: number,
): readonly string[] {
  const recipient = record.recipients[index];
  if (recipient === undefined) return [];
  const sender = domainOf(record.sender);
  const fitting = upstreams.filter(
    (upstream) => listed(upstream.recipientDomains, recipient.domain) && listed(upstream.senderDomains, sender),
  );
  const specific = fitting.filter(isSpecific);
  return (specific.length > 0 ? specific : fitting).map((upstream) => upstream.name);
}
