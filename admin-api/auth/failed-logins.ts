import { auditEntry } from '../../core/accounts/audit-entries.ts';
import type { Clock } from '../../core/domain/clock.ts';
import type { Accounts } from '../../core/storage/ports/accounts.ts';
import type { AuditLog } from '../../core/storage/ports/audit-log.ts';
import type { Caller, RequestFacts } from '../route.ts';
import { auditOrigin } from './audit-origin.ts';

const minute = 60_000;
/** Entries a minute of one process; a year of guessing must not fill the disk. */
const mostEntries = 60;

/**
 * Writes failed logins into the audit log: the first of each minute, and with the next one after them how many were
 * left out. What was typed in place of an email address that nobody has may be a password: it is not kept.
 */
export class FailedLogins {
  readonly #accounts: Pick<Accounts, 'userByEmail'>;
  readonly #auditLog: Pick<AuditLog, 'append'>;
  readonly #clock: Clock;
  #minute = Number.NEGATIVE_INFINITY;
  #entries = 0;
  #omitted = 0;

  constructor(parts: { accounts: Pick<Accounts, 'userByEmail'>; auditLog: Pick<AuditLog, 'append'>; clock: Clock }) {
    this.#accounts = parts.accounts;
    this.#auditLog = parts.auditLog;
    this.#clock = parts.clock;
  }

  /** `caller` is who guessed at their own password; null at a login. */
  async record(email: string, caller: Caller | null, request: RequestFacts): Promise<void> {
    const at = this.#clock.now();
    // Looked up though it may not be written: a login that fails takes as long either way.
    const user = await this.#accounts.userByEmail(email.trim().toLowerCase());
    if (Math.floor(at / minute) !== this.#minute) {
      this.#minute = Math.floor(at / minute);
      this.#entries = 0;
    }
    if (this.#entries >= mostEntries) {
      this.#omitted += 1;
      return;
    }
    this.#entries += 1;
    const omitted = this.#omitted;
    this.#omitted = 0;
    await this.#auditLog.append(
      auditEntry({
        by: auditOrigin(caller, request),
        at,
        action: 'user.login-failed',
        subject: { kind: 'user', id: user?.id ?? 'unknown' },
        before: null,
        after: { user_agent: request.userAgent, ...(omitted === 0 ? {} : { omitted_before: omitted }) },
      }),
    );
  }
}
