import { uuidv7 } from 'uuidv7';
import { auditEntry } from '../../core/accounts/audit-entries.ts';
import { generateRefreshToken } from '../../core/accounts/credential-generator.ts';
import type { Seals } from '../../core/accounts/seals.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { Accounts, User } from '../../core/storage/ports/accounts.ts';
import type { ApiAccess, ApiSession, RefreshToken } from '../../core/storage/ports/api-access.ts';
import type { RequestFacts } from '../route.ts';
import type { Tokens } from './tokens.ts';

/** What a client gets when it logs in or refreshes. Times in milliseconds since the epoch. */
export interface IssuedTokens {
  readonly token: string;
  readonly expiresAt: number;
  readonly refreshToken: string;
  readonly refreshExpiresAt: number;
  readonly user: User;
}

export interface ApiSessionsOptions {
  readonly accounts: Accounts;
  readonly apiAccess: ApiAccess;
  readonly tokens: Tokens;
  readonly seals: Seals;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds. */
  readonly tokenTtl: number;
  readonly refreshTtl: number;
}

const loginAgain = () =>
  new SluiceError('UNAUTHENTICATED', 'the refresh token is not valid or no longer so; POST /api/auth/login');

/**
 * Logins to the API: a session with a short-lived access token and a refresh token, which is exchanged for the next one
 * at each use. One that is shown a second time was copied, so its session ends, and with it every token of it.
 */
export class ApiSessions {
  readonly #options: ApiSessionsOptions;

  constructor(options: ApiSessionsOptions) {
    this.#options = options;
  }

  /** Logs in who has shown that they are this user, and writes it into the audit log. */
  async start(user: User, request: RequestFacts): Promise<IssuedTokens> {
    const { address, userAgent } = request;
    const now = this.#options.clock.now();
    const { text, row } = this.#newRefreshToken();
    const session: ApiSession = {
      id: uuidv7(),
      userId: user.id,
      createdAt: now,
      expiresAt: row.expiresAt,
      revokedAt: null,
      lastUsedAt: now,
      address,
      userAgent,
    };
    const audit = auditEntry({
      by: { actor: { kind: 'user', userId: user.id }, address, requestId: request.id },
      at: now,
      action: 'user.login',
      subject: { kind: 'user', id: user.id },
      before: null,
      after: { session_id: session.id, user_agent: userAgent },
    });
    await this.#options.apiAccess.startSession(session, row, audit);
    return this.#issue(user, session, text, row);
  }

  /** Throws UNAUTHENTICATED for a token that is not good, whatever the reason. */
  async refresh(refreshToken: string): Promise<IssuedTokens> {
    const { accounts, apiAccess, clock, log, seals } = this.#options;
    const fingerprint = seals.fingerprint('refresh-token', refreshToken);
    const { text, row } = this.#newRefreshToken();
    const answer = await apiAccess.refresh(fingerprint, row, clock.now());
    if (answer.outcome === 'reused') {
      const { id, userId } = answer.session;
      log.warn({ session: id, user: userId }, 'a refresh token was shown twice, its session ended: it may be stolen');
    }
    if (answer.outcome !== 'rotated') throw loginAgain();
    const user = await accounts.user(answer.session.userId);
    if (user === null || !user.enabled || user.deletedAt !== null) throw loginAgain();
    return this.#issue(user, answer.session, text, row);
  }

  #newRefreshToken(): { text: string; row: RefreshToken } {
    const { clock, refreshTtl, tokenTtl, seals } = this.#options;
    const text = generateRefreshToken();
    // Never shorter than the access token, which the session has to outlive.
    const expiresAt = wholeSecond(clock.now() + Math.max(refreshTtl, tokenTtl));
    return { text, row: { fingerprint: seals.fingerprint('refresh-token', text), expiresAt } };
  }

  async #issue(user: User, session: ApiSession, refreshToken: string, row: RefreshToken): Promise<IssuedTokens> {
    const expiresAt = wholeSecond(this.#options.clock.now() + this.#options.tokenTtl);
    const token = await this.#options.tokens.sign({ userId: user.id, sessionId: session.id }, expiresAt);
    return { token, expiresAt, refreshToken, refreshExpiresAt: row.expiresAt, user };
  }
}

/** As a token has it. */
const wholeSecond = (milliseconds: number): number => Math.floor(milliseconds / 1000) * 1000;
