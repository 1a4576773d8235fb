import type { SmtpCredential, User } from '../ports/accounts.ts';
import type { Audited } from './audit-outbox.ts';
import type { Index } from './indexes.ts';

/** `…Key`: what is compared and sorted without regard to case. */
export interface UserDocument extends Omit<User, 'id'>, Audited {
  readonly usernameKey: string;
  readonly emailKey: string;
}

export interface CredentialDocument extends Omit<SmtpCredential, 'id' | 'lastUsedAt'>, Audited {
  readonly nameKey: string;
  readonly usernameKey: string;
  /** 0: never; so that it sorts and only grows. */
  readonly lastUsed: number;
}

/** That a credential was used from an address. */
export interface KnownAddressDocument {
  /** `<credential> <address>` */
  readonly _id: string;
  readonly at: number;
}

/** The only document of `setup`: its insert makes the administrator, whatever happens to the process afterwards. */
export interface SetupDocument extends Audited {
  readonly _id: 'setup';
  readonly administrator: string;
  readonly at: number;
  /** Whether the role stands in the user's document, too. */
  readonly applied: boolean;
}

export const accountIndexes: readonly Index[] = [
  { collection: 'users', key: { usernameKey: 1 }, unique: true },
  { collection: 'users', key: { emailKey: 1 }, unique: true },
  { collection: 'credentials', key: { usernameKey: 1 }, unique: true },
  { collection: 'credentials', key: { ownerId: 1, _id: 1 } },
  { collection: 'known_addresses', key: { at: 1 } },
];

/** What of a user or credential is stored besides, for what is given of it. */
const keysOf = (row: { username?: string; email?: string; name?: string }) => ({
  ...(row.username === undefined ? {} : { usernameKey: row.username.toLowerCase() }),
  ...(row.email === undefined ? {} : { emailKey: row.email.toLowerCase() }),
  ...(row.name === undefined ? {} : { nameKey: row.name.toLowerCase() }),
});

export const userDocument = ({ id, ...user }: User): UserDocument => ({
  _id: id,
  ...user,
  usernameKey: user.username.toLowerCase(),
  emailKey: user.email.toLowerCase(),
});

export const userChange = (change: Partial<Omit<User, 'id'>>): Partial<UserDocument> => ({
  ...change,
  ...keysOf(change),
});

export function userOf({ _id, usernameKey, emailKey, outbox, ...user }: UserDocument): User {
  return { id: _id, ...user };
}

export const credentialDocument = ({ id, lastUsedAt, ...credential }: SmtpCredential): CredentialDocument => ({
  _id: id,
  ...credential,
  lastUsed: lastUsedAt ?? 0,
  usernameKey: credential.username.toLowerCase(),
  nameKey: credential.name.toLowerCase(),
});

export const credentialChange = ({
  lastUsedAt,
  ...change
}: Partial<Omit<SmtpCredential, 'id'>>): Partial<CredentialDocument> => ({
  ...change,
  ...(lastUsedAt === undefined ? {} : { lastUsed: lastUsedAt ?? 0 }),
  ...keysOf(change),
});

export function credentialOf({
  _id,
  usernameKey,
  nameKey,
  outbox,
  lastUsed,
  ...credential
}: CredentialDocument): SmtpCredential {
  return { id: _id, ...credential, lastUsedAt: lastUsed === 0 ? null : lastUsed };
}
