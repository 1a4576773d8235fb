import type { Accounts, ApiSession, Page, SmtpCredential, User } from '../../core/storage/ports/accounts.ts';

const page = <T extends { id: string }>(all: T[], { after, limit }: { after?: string; limit: number }): Page<T> => {
  const rest = all.filter(({ id }) => after === undefined || id > after).sort((a, b) => (a.id < b.id ? -1 : 1));
  const items = rest.slice(0, limit);
  return { items, next: rest.length > limit ? (items.at(-1)?.id ?? null) : null };
};

export function memoryAccounts(): Accounts {
  const users = new Map<string, User>();
  const credentials = new Map<string, SmtpCredential>();
  const sessions = new Map<string, ApiSession>();
  let administrator: string | null = null;
  const find = <T>(map: Map<string, T>, test: (row: T) => boolean) => [...map.values()].find(test) ?? null;
  return {
    async insertUser(user) {
      if (find(users, (u) => u.username === user.username)) return { conflict: 'username' };
      if (find(users, (u) => u.email === user.email)) return { conflict: 'email' };
      users.set(user.id, user);
      return null;
    },
    user: async (id) => users.get(id) ?? null,
    userByEmail: async (email) => find(users, (u) => u.email === email),
    userByUsername: async (username) => find(users, (u) => u.username === username),
    async updateUser(id, change) {
      const user = users.get(id);
      if (user) users.set(id, { ...user, ...change });
      return user !== undefined;
    },
    listUsers: async (options) => page([...users.values()], options),
    async claimSetup(id) {
      const user = users.get(id);
      if (administrator !== null || !user) return false;
      administrator = id;
      users.set(id, { ...user, role: 'admin', enabled: true });
      return true;
    },
    setupDone: async () => administrator !== null,
    async insertCredential(credential) {
      if (find(credentials, (c) => c.username === credential.username)) return { conflict: 'username' };
      credentials.set(credential.id, credential);
      return null;
    },
    credential: async (id) => credentials.get(id) ?? null,
    credentialByUsername: async (username) => find(credentials, (c) => c.username === username),
    async updateCredential(id, change) {
      const credential = credentials.get(id);
      if (credential) credentials.set(id, { ...credential, ...change });
      return credential !== undefined;
    },
    listCredentials: async ({ ownerId, ...options }) =>
      page(
        [...credentials.values()].filter((c) => ownerId === undefined || c.ownerId === ownerId),
        options,
      ),
    touchCredential() {},
    knownAddress: async () => false,
    async insertSession(session) {
      sessions.set(session.id, session);
    },
    session: async (id) => sessions.get(id) ?? null,
    async revokeSession(id, at) {
      const session = sessions.get(id);
      if (session) sessions.set(id, { ...session, revokedAt: at });
    },
  };
}
