import { createHash } from 'node:crypto';

/** One message as the sink took it. */
export interface CapturedMail {
  connection: number;
  sender: string;
  recipients: string[];
  /** The MAIL and RCPT commands as received, parameters included. */
  mailCommand: string;
  rcptCommands: string[];
  /** Octets after undoing dot-stuffing. */
  size: number;
  /** SHA-256 in hex of what follows the first empty line: relays may add header fields, never change this. */
  bodyHash: string;
  messageId: string;
  /** The whole message, dot-stuffing undone; empty where the sink keeps none. */
  raw: Buffer;
  /** Whether its 250 was written to the connection, and when (`Date.now()`; 0: not yet). */
  acknowledged: boolean;
  at: number;
}

const stuffedDot = Buffer.from('\r\n..');
const blankLine = Buffer.from('\r\n\r\n');

/** RFC 5321 §4.5.2: a dot in front of each line that begins with one is taken away. */
export const unstuff = (data: Buffer): Buffer => {
  const parts: Buffer[] = [];
  let start = data[0] === 0x2e && data[1] === 0x2e ? 1 : 0;
  for (;;) {
    const found = data.indexOf(stuffedDot, Math.max(0, start - 1));
    if (found < 0) break;
    parts.push(data.subarray(start, found + 2));
    start = found + 3;
  }
  if (parts.length === 0) return start === 0 ? data : data.subarray(start);
  parts.push(data.subarray(start));
  return Buffer.concat(parts);
};

/** Hash, as `CapturedMail.bodyHash`, of a message with CRLF lines. */
export const bodyHash = (message: Buffer): string => {
  const separator = message.indexOf(blankLine);
  const body = separator < 0 ? Buffer.alloc(0) : message.subarray(separator + 4);
  return createHash('sha256').update(body).digest('hex');
};

/** The first Message-ID field with its angle brackets; empty when there is none. */
export const messageId = (message: Buffer): string => {
  const separator = message.indexOf(blankLine);
  const head = message.toString('latin1', 0, separator < 0 ? message.length : separator);
  return /^message-id:\s*(\S+)/im.exec(head)?.[1] ?? '';
};
