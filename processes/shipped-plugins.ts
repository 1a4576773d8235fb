/** The plugins that come with Sluice, and how each is imported: only those that the configuration names are loaded. */
export const shippedPlugins: Readonly<Record<string, () => Promise<unknown>>> = {
  auth: () => import('../plugins/auth/index.ts'),
  blacklist: () => import('../plugins/blacklist/index.ts'),
  'rate-limit': () => import('../plugins/rate-limit/index.ts'),
  'domain-whitelist': () => import('../plugins/domain-whitelist/index.ts'),
  quota: () => import('../plugins/quota/index.ts'),
  delivery: () => import('../plugins/delivery/index.ts'),
  haraka: () => import('../plugins/haraka/index.ts'),
};
