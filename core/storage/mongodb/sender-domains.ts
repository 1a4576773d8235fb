import type { Document } from 'mongodb';
import type { SenderDomain, SenderDomainListOptions, SenderDomains } from '../ports/sender-domains.ts';
import type { MongodbDatabase } from './client.ts';

interface Row {
  readonly domain: string;
  readonly owner: string;
  /** Empty for the user's own list. */
  readonly credential: string;
}

const orders = { domain: ['domain', 'owner', 'credential'], owner_id: ['owner', 'domain', 'credential'] } as const;

/** Domains hold no colon; the cursor is that of the last one shown: `<owner>:<credential>:<domain>`. */
const cursorOf = ({ owner, credential, domain }: Row): string => `${owner}:${credential}:${domain}`;

function rowOf(cursor: string): Row {
  const [owner = '', credential = '', domain = ''] = cursor.split(':');
  return { owner, credential, domain };
}

const compared = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Rows behind `last`, in the order of `keys`. */
const behind = (keys: readonly (keyof Row)[], last: Row, operator: '$lt' | '$gt'): Document => ({
  $or: keys.map((key, place) => ({
    ...Object.fromEntries(keys.slice(0, place).map((before) => [before, last[before]])),
    [key]: { [operator]: last[key] },
  })),
});

/** The lists of users and those of credentials, each sorted by the database, are merged here. */
export function mongodbSenderDomains(database: MongodbDatabase): SenderDomains {
  const rowsOf = (name: 'users' | 'credentials', fields: Document, filter: Document, rest: readonly Document[]) =>
    database.ask(() =>
      database
        .collection(name)
        .aggregate<Row>([
          { $match: { deletedAt: null, ...filter } },
          { $unwind: '$domains' },
          { $project: { _id: 0, domain: '$domains', ...fields } },
          ...rest,
        ])
        .toArray(),
    );
  return {
    async list(options: SenderDomainListOptions) {
      const { ownerId, credentialId, of, search, sort = 'domain', descending = false, after, limit } = options;
      const keys = orders[sort];
      const pattern = search?.toLowerCase().replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
      const rest = [
        ...(pattern === undefined ? [] : [{ $match: { domain: { $regex: pattern } } }]),
        ...(after === undefined ? [] : [{ $match: behind(keys, rowOf(after), descending ? '$lt' : '$gt') }]),
        { $sort: Object.fromEntries(keys.map((key) => [key, descending ? -1 : 1])) },
        { $limit: limit + 1 },
      ];
      const own = { owner: '$_id', credential: { $literal: '' } };
      const whose = ownerId === undefined ? {} : { _id: ownerId };
      const ofCredential = {
        ...(ownerId === undefined ? {} : { ownerId }),
        ...(credentialId === undefined ? {} : { _id: credentialId }),
      };
      const [users, credentials] = await Promise.all([
        of === 'credential' || credentialId !== undefined ? [] : rowsOf('users', own, whose, rest),
        of === 'user' ? [] : rowsOf('credentials', { owner: '$ownerId', credential: '$_id' }, ofCredential, rest),
      ]);
      const order = (a: Row, b: Row): number =>
        keys.reduce((found, key) => found || compared(a[key], b[key]), 0) * (descending ? -1 : 1);
      const found = [...users, ...credentials].sort(order);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      const items = page.map(
        ({ domain, owner, credential }): SenderDomain => ({
          domain,
          ownerId: owner,
          credentialId: credential === '' ? null : credential,
        }),
      );
      return { items, next: found.length > limit && last !== undefined ? cursorOf(last) : null };
    },
  };
}
