import type { AuditActor, AuditOrigin } from '../../core/storage/ports/audit-log.ts';
import type { Caller, RequestFacts } from '../route.ts';

function actorOf(caller: Caller | null): AuditActor {
  if (caller === null) return { kind: 'anonymous' };
  if (caller.userId === null) return { kind: 'control-socket' };
  if (caller.apiKey !== undefined) return { kind: 'api-key', userId: caller.userId, keyId: caller.apiKey.id };
  return { kind: 'user', userId: caller.userId };
}

/** Who asked for a change, as the audit log tells it. */
export const auditOrigin = (caller: Caller | null, request: RequestFacts): AuditOrigin => ({
  actor: actorOf(caller),
  address: request.address,
  requestId: request.id,
});
