import { jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../core/domain/clock.ts';

const issuer = 'sluice';
const audience = 'sluice-api';
const algorithm = 'HS256';

export interface TokenClaims {
  readonly userId: string;
  readonly sessionId: string;
}

/**
 * Access tokens: JWT signed by HMAC-SHA-256 and nothing else, for this issuer and audience, bound to a session that
 * can be revoked. What a token says of rights is nothing: they are looked up at each request.
 */
export class Tokens {
  readonly #key: Uint8Array;
  readonly #clock: Clock;

  constructor(options: { jwtSecret: string; clock: Clock }) {
    this.#key = new TextEncoder().encode(options.jwtSecret);
    this.#clock = options.clock;
  }

  /** `expiresAt` in milliseconds since the epoch. */
  sign(claims: TokenClaims, expiresAt: number): Promise<string> {
    return new SignJWT({ sid: claims.sessionId })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(claims.userId)
      .setIssuedAt(Math.floor(this.#clock.now() / 1000))
      .setExpirationTime(Math.floor(expiresAt / 1000))
      .sign(this.#key);
  }

  /** Null for anything that is not a token of ours, valid now. */
  async verify(token: string): Promise<TokenClaims | null> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [algorithm],
        issuer,
        audience,
        typ: 'JWT',
        requiredClaims: ['sub', 'sid', 'exp', 'iat'],
        currentDate: new Date(this.#clock.now()),
      });
      if (typeof payload.sub !== 'string' || typeof payload.sid !== 'string') return null;
      return { userId: payload.sub, sessionId: payload.sid };
    } catch {
      return null;
    }
  }
}
