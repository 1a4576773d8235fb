import type { Socket } from 'node:net';
import SMTPConnection, { type SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';

/**
 * The inner members of nodemailer 10.6.0's SMTPConnection that this plugin overrides or calls. Its declarations leave
 * them out; `smtp-client-internals.test.ts` fails when a new version no longer has them.
 */
export interface SmtpClientInternals {
  _socket: Socket | false;
  /** What to do with the next replies, in order. */
  _responseActions: ((reply: string) => void)[];
  /** Lines of the last EHLO reply after the first, without codes; undefined after HELO. */
  readonly _ehloLines?: readonly string[];
  readonly _destroyed: boolean;
  /** Called with the socket made and not yet connected. */
  _setupConnectionHandlers(): void;
  _onConnect(): void;
  _onData(chunk: Buffer): void;
  _onError(error: Error, code: string, reply: string | false, command: string): void;
  /** Ends the session after a 421. */
  _onServerClosing(reply: string): void;
  _sendCommand(line: string, logged?: string): void;
  _upgradeConnection(callback: (error?: Error | null, secured?: boolean) => void): void;
}

/** nodemailer's connection, typed with its inner members, to be subclassed. */
export const SmtpClient = SMTPConnection as unknown as new (
  options: SMTPConnectionOptions,
) => SMTPConnection & SmtpClientInternals;
