import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
let bert: TestUser;
let shop: string;
beforeEach(async () => {
  api = await startTestApi();
  admin = await api.administrator();
  anna = await api.user('anna');
  bert = await api.user('bert');
  const domains = ['shop.example', 'mail.shop.example'];
  ({ id: shop } = (await api.accountsService.createCredential(anna.id, { name: 'shop', domains })).credential);
});
afterEach(() => api.close());

const call = (method: string, target: string, who: TestUser, body?: object) =>
  api.wire(method, `/api/domains${target}`, { token: who.token, ...(body === undefined ? {} : { body }) });
const list = async (who: TestUser, query = '') => {
  const { items } = (await call('GET', query, who)).body as { items: { id: string; domain: string }[] };
  return items;
};
const domainsOf = async (id: string) => (await api.store.accounts.credential(id))?.domains;
const code = ({ status, field }: Awaited<ReturnType<typeof call>>) => [status, status < 400 ? '' : field('code')];

describe('the list', () => {
  test('is by domain, of users and credentials, with filters, order and pages', async () => {
    await api.accountsService.changeUser(bert.id, { domains: ['all.example'] });
    expect(await list(admin)).toEqual([
      { id: `${bert.id}:all.example`, domain: 'all.example', of: 'user', owner_id: bert.id, credential_id: null },
      {
        id: `${shop}:mail.shop.example`,
        domain: 'mail.shop.example',
        of: 'credential',
        owner_id: anna.id,
        credential_id: shop,
      },
      { id: `${shop}:shop.example`, domain: 'shop.example', of: 'credential', owner_id: anna.id, credential_id: shop },
    ]);
    const names = async (query: string) => (await list(admin, query)).map(({ domain }) => domain);
    expect(await names('?sort=-domain')).toEqual(['shop.example', 'mail.shop.example', 'all.example']);
    expect(await names('?of=user')).toEqual(['all.example']);
    expect(await names('?search=MAIL')).toEqual(['mail.shop.example']);
    expect(await names(`?credential_id=${shop}&sort=owner_id`)).toEqual(['mail.shop.example', 'shop.example']);
    const page = await call('GET', '?limit=2', admin);
    expect(page.body).toMatchObject({ items: [{}, {}] });
    expect(await names(`?limit=2&cursor=${page.field('next')}`)).toEqual(['shop.example']);
  });

  test('shows users their own only', async () => {
    expect(await list(anna)).toHaveLength(2);
    expect(await list(bert)).toEqual([]);
    expect(await list(bert, `?credential_id=${shop}`)).toEqual([]);
    expect(code(await call('GET', `?owner_id=${anna.id}`, bert))).toEqual([403, 'FORBIDDEN']);
    expect((await call('GET', `/${shop}:shop.example`, anna)).body).toMatchObject({ domain: 'shop.example' });
    expect(code(await call('GET', `/${shop}:shop.example`, bert))).toEqual([404, 'NOT_FOUND']);
    expect(code(await call('GET', `/${shop}:other.example`, anna))).toEqual([404, 'NOT_FOUND']);
  });
});

describe('a domain', () => {
  test('is added to a credential, as it is compared, with an audit entry', async () => {
    const answer = await call('POST', '', anna, { domain: 'Bücher.Example.', credential_id: shop });
    expect([answer.status, answer.body]).toMatchObject([
      201,
      { id: `${shop}:xn--bcher-kva.example`, owner_id: anna.id },
    ]);
    expect(await domainsOf(shop)).toEqual(['shop.example', 'mail.shop.example', 'xn--bcher-kva.example']);
    const { items } = await api.store.auditLog.list({ subjectKind: 'smtp-credential' }, { limit: 1 });
    expect(items).toMatchObject([{ action: 'smtp-credential.change', actor: { kind: 'user', userId: anna.id } }]);
    expect(code(await call('POST', '', anna, { domain: 'shop.example', credential_id: shop }))).toEqual([
      409,
      'CONFLICT',
    ]);
  });

  test('is taken away, but not the last one: an empty list would allow them all', async () => {
    expect((await call('DELETE', `/${shop}:shop.example`, anna)).status).toBe(204);
    expect(code(await call('DELETE', `/${shop}:shop.example`, anna))).toEqual([404, 'NOT_FOUND']);
    expect(code(await call('DELETE', `/${shop}:mail.shop.example`, anna))).toEqual([409, 'CONFLICT']);
    expect(await domainsOf(shop)).toEqual(['mail.shop.example']);
  });

  test('several at once: none is lost, and one stays', async () => {
    const added = ['a.example', 'b.example', 'c.example'];
    const answers = await Promise.all(added.map((domain) => call('POST', '', anna, { domain, credential_id: shop })));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect((await domainsOf(shop))?.toSorted()).toEqual([...added, 'mail.shop.example', 'shop.example']);
    const ids = (await list(anna)).map(({ id }) => id);
    const gone = await Promise.all(ids.map((id) => call('DELETE', `/${id}`, anna)));
    expect(gone.map(({ status }) => status).toSorted()).toEqual([204, 204, 204, 204, 409]);
    expect(await domainsOf(shop)).toHaveLength(1);
  });

  test.each([
    [{ domain: 'no domain', credential_id: 'shop' }, 'body.domain'],
    [{ domain: 'a.example' }, 'body'],
  ])('%j is refused', async (body, path) => {
    const answer = await call('POST', '', admin, 'credential_id' in body ? { ...body, credential_id: shop } : body);
    expect([answer.status, answer.body]).toEqual([
      422,
      expect.objectContaining({ problems: [expect.objectContaining({ path })] }),
    ]);
  });
});

describe('what an administrator set of a user', () => {
  test('only administrators change', async () => {
    expect(code(await call('POST', '', anna, { domain: 'a.example', owner_id: anna.id }))).toEqual([403, 'FORBIDDEN']);
    const made = await call('POST', '', admin, { domain: 'a.example', owner_id: anna.id });
    expect([made.status, made.body]).toMatchObject([201, { of: 'user', credential_id: null }]);
    await call('POST', '', admin, { domain: 'b.example', owner_id: anna.id });
    expect(code(await call('DELETE', `/${anna.id}:a.example`, anna))).toEqual([403, 'FORBIDDEN']);
    expect((await call('DELETE', `/${anna.id}:a.example`, admin)).status).toBe(204);
    expect((await api.store.accounts.user(anna.id))?.domains).toEqual(['b.example']);
  });

  test('is not widened by the domains of a credential', async () => {
    await api.accountsService.changeUser(anna.id, { domains: ['a.example'] });
    expect(code(await call('POST', '', anna, { domain: 'b.example', credential_id: shop }))).toEqual([
      403,
      'FORBIDDEN',
    ]);
    expect(code(await call('POST', '', anna, { domain: 'evil-a.example', credential_id: shop }))).toEqual([
      403,
      'FORBIDDEN',
    ]);
    expect((await call('POST', '', anna, { domain: 'mail.a.example', credential_id: shop })).status).toBe(201);
  });

  test('nobody reaches another’s lists', async () => {
    expect(code(await call('POST', '', bert, { domain: 'b.example', credential_id: shop }))).toEqual([
      404,
      'NOT_FOUND',
    ]);
    expect(code(await call('DELETE', `/${shop}:shop.example`, bert))).toEqual([404, 'NOT_FOUND']);
    expect(code(await call('POST', '', admin, { domain: 'b.example', credential_id: anna.id }))).toEqual([
      404,
      'NOT_FOUND',
    ]);
    expect(code(await call('POST', '', admin, { domain: 'b.example', owner_id: shop }))).toEqual([404, 'NOT_FOUND']);
    expect(await domainsOf(shop)).toEqual(['shop.example', 'mail.shop.example']);
  });
});
