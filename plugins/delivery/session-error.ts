import type { Phase } from '../../core/domain/message.ts';
import { type Reply, reply } from '../../core/domain/reply.ts';

/** Why no session could be had. `reply` is 4yz and says what the upstream said; `ours`: our settings are at fault. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly phase: Phase;
  readonly reply: Reply;
  readonly ours: boolean;

  constructor(phase: Phase, given: Reply, ours: boolean, cause: unknown) {
    super(typeof given.text === 'string' ? given.text : given.text.join(' '), { cause });
    this.phase = phase;
    this.reply = given;
    this.ours = ours;
  }
}

const failures: Readonly<Partial<Record<Phase, string>>> = {
  connect: 'cannot connect',
  greeting: 'no greeting',
  hello: 'EHLO failed',
  tls: 'TLS failed',
  auth: 'login failed',
};

/**
 * The error for a session that failed in `phase`. A 5yz to greeting, EHLO or AUTH, and TLS that cannot be had, are
 * faults of our settings, not of any message. `said` is the upstream's reply, where it gave one.
 */
export function sessionError(
  phase: Phase,
  error: Error | null,
  said: string | undefined,
  misconfigured: boolean,
): SessionError {
  const what = failures[phase] ?? 'no session';
  const ours = misconfigured || phase === 'tls' || said?.startsWith('5') === true;
  const detail = said ?? error?.message ?? 'the connection was closed';
  const enhanced = phase === 'tls' || phase === 'auth' ? '4.7.0' : '4.4.1';
  const text = `${what}: ${detail.replaceAll(/[\s\p{Cc}]+/gu, ' ').slice(0, 400)}`;
  return new SessionError(phase, reply(451, enhanced, text, error ?? undefined), ours, error);
}
