import type { Address, MailParameters, RcptParameters } from './envelope.ts';
import { readMailParameters, readRcptParameters } from './esmtp-parameters.ts';
import { type AddressPolicy, type MailboxFault, scanDomain, scanMailbox } from './mailbox.ts';
import { type Reply, reply } from './reply.ts';

/** RFC 5321 §4.5.3.1.3, the angle brackets counted. */
const longestPath = 256;

export interface MailCommand {
  /** Null is the null reverse-path `<>`. */
  readonly address: Address | null;
  readonly parameters: MailParameters;
}

export interface RcptCommand {
  readonly address: Address;
  readonly parameters: RcptParameters;
}

type Direction = 'FROM' | 'TO';
type Path = { readonly address: Address | null; readonly rest: string };

/** Enhanced codes differ by whose address it is (RFC 3463 §3.2): the sender's, or the recipient's. */
const enhancedCodes = {
  FROM: { syntax: '5.1.7', domain: '5.1.8', routing: '5.1.7' },
  TO: { syntax: '5.1.3', domain: '5.1.2', routing: '5.1.3' },
} as const;

const refuse = (direction: Direction, { fault, text }: MailboxFault): Reply =>
  reply(fault === 'routing' ? 553 : 501, enhancedCodes[direction][fault], text);

const bare = (direction: Direction): MailboxFault => ({
  fault: 'syntax',
  text: `Put the address in angle brackets: ${direction === 'FROM' ? 'MAIL FROM' : 'RCPT TO'}:<user@example.com>`,
});

/** Skips `@one,@two:`, the obsolete source route (RFC 5321 §4.1.1.3 and appendix C); answers where the mailbox begins. */
function skipRoute(text: string, start: number, policy: AddressPolicy): number | MailboxFault {
  let i = start;
  while (text[i] === '@') {
    if (!policy.source_route) {
      return { fault: 'routing', text: 'Source routes are not followed here; give the final address' };
    }
    const domain = scanDomain(text, i + 1);
    if ('fault' in domain) return domain;
    const separator = text[domain.end];
    i = domain.end + 1;
    if (separator === ':') return i;
    if (separator !== ',' || text[i] !== '@') break;
  }
  return i === start ? i : { fault: 'syntax', text: 'The source route has to end with a colon' };
}

function parsePath(argument: string, direction: Direction, policy: AddressPolicy): Path | Reply {
  const verb = direction === 'FROM' ? 'MAIL FROM' : 'RCPT TO';
  const prefix = direction.length + 1;
  if (argument.slice(0, prefix).toUpperCase() !== `${direction}:`) {
    return reply(501, '5.5.4', `The syntax is ${verb}:<user@example.com>`);
  }
  let start = prefix;
  while (argument[start] === ' ') start++;
  if (argument[start] !== '<') return refuse(direction, bare(direction));
  if (argument[start + 1] === '>') return { address: null, rest: argument.slice(start + 2) };
  const postmaster = direction === 'TO' && /^<postmaster>/i.exec(argument.slice(start, start + 12));
  if (postmaster) {
    const local = argument.slice(start + 1, start + 11);
    const address = { text: local, local, domain: '', needsSmtpUtf8: false };
    return { address, rest: argument.slice(start + 12) };
  }
  // What is longer than any path needs no reading: characters are never more than octets.
  const path = argument.slice(start, start + longestPath + 1);
  const mailbox = skipRoute(path, 1, policy);
  if (typeof mailbox !== 'number') return refuse(direction, mailbox);
  const found = scanMailbox(path, mailbox, policy);
  if ('fault' in found) {
    const tooLong = path.length > longestPath && !path.includes('>') && found.fault !== 'routing';
    return refuse(direction, tooLong ? { fault: 'syntax', text: 'The path is longer than 256 octets' } : found);
  }
  const end = found.end + 1;
  if (path[found.end] !== '>') return refuse(direction, bare(direction));
  if (Buffer.byteLength(path.slice(0, end)) > longestPath) {
    return refuse(direction, { fault: 'syntax', text: 'The path is longer than 256 octets' });
  }
  return { address: found.address, rest: argument.slice(start + end) };
}

/** The text between path and end of line: nothing, or blank and parameters. */
const separated = (rest: string): boolean => rest === '' || rest[0] === ' ';

const unseparated = reply(501, '5.5.4', 'There has to be a blank between the address and the parameters');
const nonAscii = reply(553, '5.6.7', 'This address needs the SMTPUTF8 extension; give SMTPUTF8 with MAIL FROM');

/**
 * Reads what follows `MAIL ` on its line: `FROM:<path> parameters` (RFC 5321 §4.1.1.2; RFC 1870, 6152, 6531, 3461, 4954).
 * Answers what it says, or the reply that refuses it. Blanks behind the colon are tolerated, as most clients expect.
 */
export function parseMailCommand(argument: string, options: { addresses: AddressPolicy }): MailCommand | Reply {
  const path = parsePath(argument, 'FROM', options.addresses);
  if ('code' in path) return path;
  if (!separated(path.rest)) return unseparated;
  const parameters = readMailParameters(path.rest);
  if ('code' in parameters) return parameters;
  if (path.address?.needsSmtpUtf8 && !parameters.smtputf8) return nonAscii;
  return { address: path.address, parameters };
}

/**
 * Reads what follows `RCPT ` on its line: `TO:<path> parameters` (RFC 5321 §4.1.1.3). `smtputf8`: the transaction's MAIL
 * gave SMTPUTF8. The bare `postmaster` is taken, with an empty domain.
 */
export function parseRcptCommand(
  argument: string,
  options: { addresses: AddressPolicy; smtputf8: boolean },
): RcptCommand | Reply {
  const path = parsePath(argument, 'TO', options.addresses);
  if ('code' in path) return path;
  if (path.address === null) return reply(501, '5.1.3', 'A recipient cannot be empty; <> is for senders only');
  if (!separated(path.rest)) return unseparated;
  const parameters = readRcptParameters(path.rest);
  if ('code' in parameters) return parameters;
  if ((path.address.needsSmtpUtf8 || !isPlain(parameters.orcpt)) && !options.smtputf8) return nonAscii;
  return { address: path.address, parameters };
}

const isPlain = (text: string | undefined): boolean => text === undefined || Buffer.byteLength(text) === text.length;
