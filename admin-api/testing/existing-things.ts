import type { Route } from '../route.ts';
import type { TestApi, TestUser } from './start-test-api.ts';

const unknownId = '01a20491-46c7-7615-91d5-7dd89800e6c4';

/** What path parameters can name: something that is there, and something that is not. */
interface Thing {
  /** Begin of the path of the routes it is for. */
  readonly at: string;
  readonly there: string;
  readonly missing: string;
}

/** Something at every route that has path parameters, all of it the owner's where it can be a user's. */
export interface ExistingThings {
  readonly credential: string;
  readonly message: string;
  /** Ids of all that belongs to the owner. */
  readonly owned: readonly string[];
  /** The route's path with its parameters filled in; fails the test for a route nobody made something for. */
  target(route: Route, which?: 'there' | 'missing'): string;
}

const sessionOf = (token: string): string =>
  String(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid);

/** A new resource that belongs to users needs a line here; the tests of access and of hostile input say so. */
export async function existingThings(api: TestApi, owner: TestUser, admin: TestUser): Promise<ExistingThings> {
  const post = async (path: string, body: object, { token }: TestUser = owner) =>
    (await api.wire('POST', path, { token, body })).field('id');
  const domains = ['example.com', 'example.org'];
  const { credential } = await api.accountsService.createCredential(owner.id, { name: 'shop', domains });
  const key = await post('/api/api-keys', { name: 'k', scopes: ['admin'] });
  const webhook = await post('/api/webhooks', { name: 'w', url: 'https://hooks.example.com/', enabled: false });
  const message = await api.message(owner.id, { credentialId: credential.id });
  const captured = await api.message(owner.id, { credentialId: credential.id }, [
    { state: 'captured', nextAt: null, finalAt: api.clock.now() },
  ]);
  const session = sessionOf(owner.token);
  const id = (at: string, there: string): Thing => ({ at, there, missing: unknownId });
  const things: readonly Thing[] = [
    { at: '/api/domains/', there: `${credential.id}:example.com`, missing: `${unknownId}:example.com` },
    id('/api/quotas/', credential.id),
    id('/api/smtp-credentials/', credential.id),
    id('/api/captured/', captured),
    id('/api/mail-logs/', message),
    id('/api/queue/', message),
    id('/api/webhooks/', webhook),
    id('/api/api-keys/', key),
    id('/api/auth/sessions/', session),
    id('/api/users/', owner.id),
    id('/api/blacklist/', await post('/api/blacklist', { network: '192.0.2.1' }, admin)),
    { at: '/api/plugins/history/', there: '1', missing: '999' },
    { at: '/api/plugins/', there: 'quota', missing: 'nothing' },
    { at: '/api/upstreams/', there: 'main', missing: 'nothing' },
  ];
  return {
    credential: credential.id,
    message,
    owned: [owner.id, credential.id, key, webhook, message, captured, session],
    target({ method, path }, which = 'there') {
      if (!path.includes('{')) return path;
      const thing = things.find(({ at }) => path.startsWith(at));
      if (thing === undefined) throw new Error(`${method} ${path}: make something for it in existing-things.ts`);
      return path.replace(/\{\w+\}/g, encodeURIComponent(thing[which]));
    },
  };
}

/** A body that the route takes: its first example. */
export function exampleBody({ body, text }: Route): { body?: unknown; raw?: string } {
  if (text !== undefined) return { raw: Object.values(text.examples)[0] ?? '' };
  const examples = body?.meta()?.examples;
  return Array.isArray(examples) ? { body: examples[0] } : {};
}
