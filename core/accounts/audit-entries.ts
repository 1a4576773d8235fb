import { uuidv7 } from 'uuidv7';
import type { SmtpCredential, User } from '../storage/ports/accounts.ts';
import type { AuditEntry, AuditOrigin, AuditValues } from '../storage/ports/audit-log.ts';

/** Where nobody is known to ask: a command on a store that nobody serves, Sluice itself. */
export const systemOrigin: AuditOrigin = { actor: { kind: 'system' }, address: null, requestId: null };

/** A user as the audit log shows it. The password is compared, never shown: see `difference`. */
const userValues = (user: User) => ({
  username: user.username,
  email: user.email,
  role: user.role,
  password: user.password,
  daily_quota: user.dailyQuota,
  hourly_quota: user.hourlyQuota,
  domains: user.domains,
  enabled: user.enabled,
  deleted: user.deletedAt !== null,
});

const credentialValues = (credential: SmtpCredential) => ({
  owner_id: credential.ownerId,
  name: credential.name,
  username: credential.username,
  password: credential.secret,
  daily_quota: credential.dailyQuota,
  hourly_quota: credential.hourlyQuota,
  over_limit: credential.overLimit,
  domains: credential.domains,
  networks: credential.networks,
  enabled: credential.enabled,
  deleted: credential.deletedAt !== null,
});

const secretFields: ReadonlySet<string> = new Set(['password', 'secret']);

/** What differs of two versions, secrets as `changed`. Null for a version that is not there. */
export function difference(
  before: AuditValues | null,
  after: AuditValues | null,
): { before: AuditValues | null; after: AuditValues | null } {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const changed = names.filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]));
  const shown = (values: AuditValues | null) =>
    values === null
      ? null
      : Object.fromEntries(
          changed
            .filter((name) => name in values)
            .map((name) => [name, secretFields.has(name) ? 'changed' : values[name]]),
        );
  return { before: shown(before), after: shown(after) };
}

/** An entry about any subject; `before` and `after` are whole versions, of which the entry keeps what differs. */
export function auditEntry(options: {
  readonly by: AuditOrigin | undefined;
  readonly at: number;
  readonly action: string;
  readonly subject: AuditEntry['subject'];
  readonly before: AuditValues | null;
  readonly after: AuditValues | null;
}): AuditEntry {
  const { by = systemOrigin, at, action, subject, before, after } = options;
  return { id: uuidv7(), at, ...by, action, subject, ...difference(before, after) };
}

type Change = { readonly by: AuditOrigin | undefined; readonly at: number; readonly action: string };

export const userEntry = (change: Change, before: User | null, after: User): AuditEntry =>
  auditEntry({
    ...change,
    subject: { kind: 'user', id: after.id },
    before: before === null ? null : userValues(before),
    after: userValues(after),
  });

export const credentialEntry = (change: Change, before: SmtpCredential | null, after: SmtpCredential): AuditEntry =>
  auditEntry({
    ...change,
    subject: { kind: 'smtp-credential', id: after.id },
    before: before === null ? null : credentialValues(before),
    after: credentialValues(after),
  });
