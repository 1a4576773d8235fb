import { z } from 'zod';
import { auditEntry } from '../../core/accounts/audit-entries.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { SettingsOutcome, SettingsRequest } from '../../core/settings/settings-versions.ts';
import type { AuditEntry, AuditLog } from '../../core/storage/ports/audit-log.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import type { Caller, RequestFacts } from '../route.ts';

/*
 * What all routes have in common that change the settings of plugins: dry run, If-Match, the switch that forbids it,
 * the audit entry.
 */

export const settingsQuery = z.strictObject({
  dry_run: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('`true`: tell what would change and whether it builds, and change nothing'),
});

/** `If-Match`: the number of the version that was read, as its ETag begins; `*` or nothing: whatever is in force. */
export const settingsHeaders = z.strictObject({
  'if-match': z
    .string()
    .regex(/^(?:\*|"\d{1,15}(?:-[\w-]{1,50})?")$/, 'expected the ETag of what was read, such as "12", or *')
    .transform((text) => (text === '*' ? undefined : Number.parseInt(text.slice(1), 10)))
    .optional()
    .describe('The ETag of what you read: nothing changes where another version is in force by now')
    .meta({ examples: ['"12"'] }),
});

/** Every error a change of settings can end with. */
export const settingsErrors = [
  'FORBIDDEN',
  'NOT_FOUND',
  'CONFLICT',
  'PRECONDITION_FAILED',
  'CONFIG_INVALID',
  'CONFIG_UNREADABLE',
  'PLUGIN_CONFIG_INVALID',
  'PLUGIN_INCOMPATIBLE',
  'PLUGIN_ORDER_CYCLE',
  'PLUGIN_START_FAILED',
  'PLUGIN_UNKNOWN',
  'SERVICE_UNAVAILABLE',
] as const;

export const versionTag = (version: number) => ({ etag: `"${version}"` });

interface ChangeInput {
  readonly caller: Caller;
  readonly request: RequestFacts;
  readonly query: { readonly dry_run?: boolean | undefined };
  readonly headers: { readonly 'if-match'?: number | undefined };
}

/**
 * Runs a change of settings with what the request says about it, and writes it into the audit log once it is in force;
 * a subject that is only an id is a plugin's.
 */
export const settingsChanger =
  ({ auditLog, clock, readOnly }: { auditLog: AuditLog; clock: Clock; readOnly: boolean }) =>
  async (
    input: ChangeInput,
    action: string,
    subject: string | AuditEntry['subject'],
    change: (request: SettingsRequest) => Promise<SettingsOutcome>,
  ): Promise<SettingsOutcome> => {
    const { caller, query, headers } = input;
    if (readOnly) {
      throw new SluiceError('FORBIDDEN', 'api.plugins is read-only: change the configuration file, then reload');
    }
    const dryRun = query.dry_run === true;
    const outcome = await change({ author: caller.userId, ifVersion: headers['if-match'], dryRun });
    if (dryRun || outcome.changes.length === 0) return outcome;
    const values = (side: 'before' | 'after') =>
      Object.fromEntries(outcome.changes.map((one) => [one.path, one[side]]));
    await auditLog.append(
      auditEntry({
        by: auditOrigin(caller, input.request),
        at: clock.now(),
        action,
        subject: typeof subject === 'string' ? { kind: 'plugin', id: subject } : subject,
        before: values('before'),
        after: { ...values('after'), settings_version: outcome.version },
      }),
    );
    return outcome;
  };
