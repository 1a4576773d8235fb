/*
 * Texts that Haraka's server gives where no plugin gave one. A reply with such a text is compared by its code: Sluice
 * has words of its own there.
 */

/** Written after the dot by whoever queued, where that is no plugin under comparison. */
export const serverQueued = /^(?:Message Queued|2\.0\.0 Ok: taken) \(/;

const coreTexts: readonly RegExp[] = [
  / ESMTP \S+ ready$/,
  / Hello .*, Haraka is at your service\.$/,
  /closing connection\. Have a jolly good day\.$/,
  /^(?:sender|recipient) <.*> (?:OK|denied)$/,
  /^I cannot deliver mail for </,
  /^go ahead, make my day$/,
  /^OK$/,
  /^Unrecognized command$/,
  /^Use (?:EHLO\/HELO before MAIL|MAIL before RCPT)$/,
  /^(?:MAIL|RCPT) required first$/,
  /^No valid recipients$/,
  /^Command parsing failed/,
  /^Invalid (?:MAIL FROM|RCPT TO) address /,
  /^Invalid command parameters$/,
  /^Command line too long$/,
  /^Syntax error/,
  /^(?:HELO|EHLO) (?:requires domain|syntax error|denied)/,
  /^Message Queued(?: \(|$)/,
  /^Message denied(?: temporarily)?(?: \(|$)/,
  /^Message too big!$/,
  /^Bare line-feed;/,
  /^Bad sequence of commands - pipelined after end of DATA$/,
  /^Just try sending a mail /,
  /^Queuing declined or disabled, try later/,
  /^rDNS (?:Lookup Failed|Temporary Failure)$/,
  /^Stop wasting my time$/,
  /^(?:Access Denied|Lookup Failed|User OK)$/,
  // A queue plugin that says nothing: the id alone.
  /^ ?\(<uuid>\)$/,
  /^Not implemented$/,
  /^Too many received headers/,
  /^(?:Your mail is not welcome here|Come back later)$/,
  /^SSL attempted over a non-SSL socket$/,
  /^PROXY |^Invalid PROXY format/,
  /^Internal Server Error$/,
  /^timeout$/,
  /^plugin timeout$/,
];

export const isCoreText = (text: string): boolean => coreTexts.some((known) => known.test(text));

/** What servers announce of themselves; all else in a reply to EHLO, a plugin has added. */
const coreCapability =
  /^(?:PIPELINING|8BITMIME|SMTPUTF8|SIZE\b.*|ENHANCEDSTATUSCODES|DSN|CHUNKING|BINARYMIME|LIMITS\b.*|HELP)$/i;
export const isCoreCapability = (line: string): boolean => coreCapability.test(line);
