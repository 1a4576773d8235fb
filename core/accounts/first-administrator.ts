import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Accounts, User } from '../storage/ports/accounts.ts';
import type { AuditOrigin } from '../storage/ports/audit-log.ts';
import type { AccountChanges } from './account-changes.ts';
import { parseInput } from './account-input.ts';
import { type Registration, registrationSchema } from './account-schemas.ts';
import { userEntry } from './audit-entries.ts';
import { newUser } from './new-user.ts';
import type { Secrets } from './secrets.ts';

/** So long may a set-up be under way between its two writes. */
const pendingMilliseconds = 60_000;

interface SetUp {
  readonly accounts: Accounts;
  readonly changes: AccountChanges;
  readonly secrets: Secrets;
  readonly clock: Clock;
}

/**
 * Makes the first administrator, once ever: of several at the same time one wins. The user is stored without rights
 * and gets them by `claimSetup`; one left behind by a crash in between is replaced. Throws `REGISTRATION_CLOSED`
 * when there is an administrator already.
 */
export async function createFirstAdministrator(setUp: SetUp, input: Registration, by?: AuditOrigin): Promise<User> {
  const { accounts, changes, secrets, clock } = setUp;
  const { password, ...fields } = parseInput(registrationSchema, input);
  if (await accounts.setupDone()) throw closed();
  await clearPending(setUp, await accounts.userByEmail(fields.email));
  await clearPending(setUp, await accounts.userByUsername(fields.username));
  const user = newUser(fields, {
    password: await secrets.hashPassword(password),
    enabled: false,
    at: clock.now(),
  });
  await changes.insertUser(user, by);
  const administrator: User = { ...user, role: 'admin', enabled: true };
  const claimed = userEntry(changes.entry('user.set-up', by), user, administrator);
  if (!(await accounts.claimSetup(user.id, clock.now(), claimed))) {
    await withdraw(setUp, user.id);
    throw closed();
  }
  await changes.tell('user', user.id);
  return changes.existingUser(user.id);
}

/**
 * Frees the name of a set-up that was cut off. A younger one may be under way in another process: it is left alone,
 * and its name is found taken.
 */
async function clearPending(setUp: SetUp, user: User | null): Promise<void> {
  if (user === null || user.enabled || user.deletedAt !== null || user.role !== 'user') return;
  if (user.createdAt <= setUp.clock.now() - pendingMilliseconds) await withdraw(setUp, user.id);
}

/** Takes back a user that never had rights, its names included. */
async function withdraw({ accounts, clock }: SetUp, id: string): Promise<void> {
  const at = clock.now();
  const names = { username: `withdrawn-${id}`, email: `${id}@withdrawn.invalid` };
  await accounts.updateUser(id, { ...names, enabled: false, deletedAt: at, updatedAt: at });
}

const closed = () =>
  new SluiceError('REGISTRATION_CLOSED', 'There is an administrator already; ask them for an account');
