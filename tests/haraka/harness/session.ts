/*
 * What a scripted client does, and what it heard. A script is a list of steps; a plain string is one command line with
 * one reply.
 */

export type Step =
  | string
  /** DATA, and the message with its final dot only where 354 came. */
  | { readonly data: string | Buffer }
  /** As `data`, and these lines in the same packet as the dot. */
  | { readonly data: string | Buffer; readonly behindDot: string }
  /** Lines in one packet, and one reply for each; where the last one is 354, this message with its final dot. */
  | { readonly pipeline: readonly string[]; readonly message?: string }
  /** Octets as they are, and as many replies as told. */
  | { readonly write: string | Buffer; readonly replies: number }
  /** Octets that do not wait for the greeting; only as the first step. */
  | { readonly early: string }
  /** STARTTLS and the handshake; `behind` goes in clear in the same packet as the command. */
  | { readonly startTls: true; readonly behind?: string }
  | { readonly cramMd5: { readonly username: string; readonly password: string } }
  /** Leaves without QUIT: FIN or RST; `after` is sent just before. */
  | { readonly leave: 'end' | 'reset'; readonly after?: string }
  /** Says nothing for this many milliseconds. */
  | { readonly pause: number };

export interface Reply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** One step as it went. */
export interface Exchange {
  readonly sent: string;
  readonly replies: readonly Reply[];
  /** Milliseconds to the last reply. */
  readonly milliseconds: number;
  /** The server had closed, or did instead of a reply that was due. */
  readonly closed: boolean;
  /** A reply was due and did not come in time. */
  readonly silent: boolean;
}

/** The step as one line, for transcripts. */
export const stepLabel = (step: Step): string => {
  if (typeof step === 'string') return step.slice(0, 80);
  if ('data' in step) return 'behindDot' in step ? `DATA … . ${JSON.stringify(step.behindDot)}` : 'DATA … .';
  if ('pipeline' in step) return step.pipeline.join(' | ');
  if ('write' in step) return `(write) ${JSON.stringify(step.write.toString('latin1').slice(0, 60))}`;
  if ('early' in step) return `(early) ${JSON.stringify(step.early)}`;
  if ('startTls' in step) return 'STARTTLS';
  if ('cramMd5' in step) return `AUTH CRAM-MD5 as ${step.cramMd5.username}`;
  if ('leave' in step) return `(${step.leave})`;
  return `(pause ${step.pause})`;
};

/** A message of these header lines and this body, with CRLF. */
export const message = (head: readonly string[], body = 'Hello.'): string =>
  `${[...head, '', ...body.split('\n')].join('\r\n')}\r\n`;

/** Fields that servers add where they are missing. */
export const dated: readonly string[] = [
  'Date: Mon, 30 Nov 2026 10:00:00 +0000',
  'Message-ID: <test-message@example.org>',
];

/** A message to which nobody has anything to add. */
export const plainMessage = (subject = 'A test', body = 'Hello.'): string =>
  message(
    ['From: Sender <sender@example.org>', 'To: Recipient <user@example.com>', `Subject: ${subject}`, ...dated],
    body,
  );

/** Greeting, envelope, message and QUIT of an ordinary session. */
export const wholeSession = (
  options: { helo?: string; from?: string; to?: readonly string[]; message?: string | Buffer } = {},
): Step[] => [
  `EHLO ${options.helo ?? 'client.example.org'}`,
  `MAIL FROM:<${options.from ?? 'sender@example.org'}>`,
  ...(options.to ?? ['user@example.com']).map((to) => `RCPT TO:<${to}>`),
  { data: options.message ?? plainMessage() },
  'QUIT',
];
