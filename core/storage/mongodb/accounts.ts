import type { Document } from 'mongodb';
import type { Accounts, SmtpCredential, User } from '../ports/accounts.ts';
import {
  credentialChange,
  credentialDocument,
  credentialOf,
  userChange,
  userDocument,
  userOf,
} from './account-documents.ts';
import { type AuditOutbox, outboxOf } from './audit-outbox.ts';
import type { MongodbDatabase } from './client.ts';
import type { CredentialUses } from './credential-uses.ts';
import type { FirstAdministrator } from './first-administrator.ts';
import { containing, listPage } from './list.ts';
import type { Revisions } from './revisions.ts';
import { isDuplicateKey } from './store-error.ts';
import { changeVersioned } from './versioned-change.ts';

const userSortKeys = { created_at: '_id', username: 'usernameKey', email: 'emailKey' } as const;
const credentialSortKeys = {
  created_at: '_id',
  name: 'nameKey',
  username: 'usernameKey',
  last_used_at: 'lastUsed',
} as const;

/** Conditions that users and credentials share. */
const stateFilter = ({ living, enabled }: { living?: boolean; enabled?: boolean }): Document => ({
  ...(living === true ? { deletedAt: null } : {}),
  ...(enabled === undefined ? {} : { enabled }),
});

export interface AccountParts {
  readonly outbox: AuditOutbox;
  readonly setup: FirstAdministrator;
  readonly uses: CredentialUses;
  readonly revisions: Revisions;
}

/** Users and credentials; names and email addresses are taken without regard to case, also by deleted rows. */
export function mongodbAccounts(database: MongodbDatabase, { outbox, setup, uses, revisions }: AccountParts): Accounts {
  const users = database.collection('users');
  const credentials = database.collection('credentials');
  const oneUser = async (filter: Document): Promise<User | null> => {
    const found = await database.ask(() => users.findOne(filter));
    return found === null ? null : userOf(found);
  };
  const oneCredential = async (filter: Document): Promise<SmtpCredential | null> => {
    const found = await database.ask(() => credentials.findOne(filter));
    return found === null ? null : credentialOf(found);
  };
  return {
    async insertUser(user, audit) {
      const document = userDocument(user);
      await revisions.next('accounts');
      try {
        await database.ask(() => users.insertOne({ ...document, ...outboxOf(audit) }));
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        return { conflict: (await oneUser({ usernameKey: document.usernameKey })) === null ? 'email' : 'username' };
      }
      await outbox.publish('users', user.id, audit);
      return null;
    },
    user: (id) => oneUser({ _id: id }),
    userByEmail: (email) => oneUser({ emailKey: email.toLowerCase() }),
    userByUsername: (username) => oneUser({ usernameKey: username.toLowerCase() }),
    async updateUser(id, change, options) {
      await revisions.next('accounts');
      return changeVersioned(database, outbox, 'users', id, userChange(change), options);
    },
    listUsers({ role, search, sort = 'created_at', descending = false, after, limit, ...state }) {
      const filter = {
        ...stateFilter(state),
        ...(role === undefined ? {} : { role }),
        ...(search === undefined ? {} : containing(['usernameKey', 'emailKey'], search)),
      };
      return listPage(database, users, { filter, key: userSortKeys[sort], descending, after, limit }, userOf);
    },
    async claimSetup(userId, at, audit) {
      await revisions.next('accounts');
      return setup.claim(userId, at, audit);
    },
    setupDone: () => setup.done(),

    async insertCredential(credential, audit) {
      await revisions.next('accounts');
      try {
        await database.ask(() => credentials.insertOne({ ...credentialDocument(credential), ...outboxOf(audit) }));
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        return { conflict: 'username' };
      }
      await outbox.publish('credentials', credential.id, audit);
      return null;
    },
    credential: (id) => oneCredential({ _id: id }),
    credentialByUsername: (username) => oneCredential({ usernameKey: username.toLowerCase() }),
    async updateCredential(id, change, options) {
      await revisions.next('accounts');
      return changeVersioned(database, outbox, 'credentials', id, credentialChange(change), options);
    },
    listCredentials({ ownerId, search, unusedSince, sort = 'created_at', descending = false, after, limit, ...state }) {
      const filter = {
        ...stateFilter(state),
        ...(ownerId === undefined ? {} : { ownerId }),
        ...(search === undefined ? {} : containing(['nameKey', 'usernameKey'], search)),
        ...(unusedSince === undefined ? {} : { lastUsed: { $lt: unusedSince } }),
      };
      const key = credentialSortKeys[sort];
      return listPage(database, credentials, { filter, key, descending, after, limit }, credentialOf);
    },
    revision: () => revisions.current('accounts'),
    touchCredential: (id, at, address) => uses.add({ id, at, address }),
    async knownAddress(credentialId, address, since) {
      const _id = `${credentialId} ${address}`;
      const found = await database.ask(() =>
        database.collection('known_addresses').findOne({ _id, at: { $gte: since } }),
      );
      return found !== null;
    },
  };
}
