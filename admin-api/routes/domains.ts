import { z } from 'zod';
import { domainSchema as domainNameSchema } from '../../core/accounts/account-schemas.ts';
import type { AccountsService } from '../../core/accounts/accounts-service.ts';
import { type DomainListOwner, SenderDomainLists } from '../../core/accounts/sender-domain-lists.ts';
import { isWithinDomain } from '../../core/domain/domain-name.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Accounts } from '../../core/storage/ports/accounts.ts';
import type { SenderDomain, SenderDomains } from '../../core/storage/ports/sender-domains.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { maySee, ownerFilter } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { bind, type Caller, defineRoute } from '../route.ts';
import { given, idSchema, pageFields, pageOf, pageOptions, searchSchema, sortOptions, sortSchema } from './fields.ts';

const tag = 'domains';
const idPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}:[a-z0-9.-]{1,255}$/;
const domainIdSchema = z
  .string()
  .regex(idPattern, 'expected the id of a user or credential, a colon and a domain')
  .describe('Id of the user or credential, a colon and the domain')
  .meta({ examples: ['01a20491-46c7-7615-91d5-7dd89800e6c4:example.com'] });
const domainParams = z.strictObject({ id: domainIdSchema });

const senderDomainSchema = component(
  'SenderDomain',
  z.strictObject({
    id: domainIdSchema,
    domain: z.string().describe('Lower-case A-labels'),
    of: z.enum(['user', 'credential']).describe('`user`: it binds all credentials of that user'),
    owner_id: idSchema,
    credential_id: idSchema.nullable(),
  }),
);

export const listDomains = defineRoute({
  id: 'listDomains',
  method: 'GET',
  path: '/api/domains',
  tag,
  summary: 'Domains that users and SMTP credentials may send from',
  description:
    'Whoever has none listed may send from any. Where both a credential and its owner have a list, a domain has to be in both.',
  security: 'user',
  scope: 'credentials:read',
  query: z.strictObject({
    ...pageFields,
    cursor: z
      .string()
      .regex(/^[\w.:=-]{1,400}$/, 'expected the `next` of the page before')
      .optional()
      .describe('`next` of the page before'),
    owner_id: idSchema.optional().describe('For administrators'),
    credential_id: idSchema.optional().describe('Only those of this SMTP credential'),
    of: z.enum(['user', 'credential']).optional().describe('Default: both'),
    search: searchSchema.describe('Part of the domain'),
    sort: sortSchema(['domain', 'owner_id']),
  }),
  answers: { 200: { description: 'A page', schema: component('SenderDomainPage', pageOf(senderDomainSchema)) } },
  errors: ['FORBIDDEN'],
});

export const getDomain = defineRoute({
  id: 'getDomain',
  method: 'GET',
  path: '/api/domains/{id}',
  tag,
  summary: 'One domain of a list',
  security: 'user',
  scope: 'credentials:read',
  params: domainParams,
  answers: { 200: { description: 'The domain', schema: senderDomainSchema } },
  errors: ['NOT_FOUND'],
});

export const createDomain = defineRoute({
  id: 'createDomain',
  method: 'POST',
  path: '/api/domains',
  tag,
  summary: 'Allow a user or SMTP credential one more domain to send from',
  description:
    'The first one of a list binds: until then any domain is allowed. Only administrators say where a user may send from; users choose among these for their credentials.',
  security: 'user',
  scope: 'credentials:write',
  body: z
    .strictObject({
      domain: domainNameSchema,
      credential_id: idSchema.optional().describe('The SMTP credential that it is to bind'),
      owner_id: idSchema.optional().describe('Instead of a credential: the user whom it is to bind'),
    })
    .meta({ examples: [{ domain: 'example.com', credential_id: '01a20491-46c7-7615-91d5-7dd89800e6c4' }] }),
  answers: { 201: { description: 'The domain', schema: senderDomainSchema } },
  errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'PRECONDITION_FAILED'],
});

export const deleteDomain = defineRoute({
  id: 'deleteDomain',
  method: 'DELETE',
  path: '/api/domains/{id}',
  tag,
  summary: 'Allow a user or SMTP credential a domain no more',
  description: 'The last one of a list stays, since an empty list allows every domain.',
  security: 'user',
  scope: 'credentials:write',
  params: domainParams,
  answers: { 204: { description: 'Deleted' } },
  errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'PRECONDITION_FAILED'],
});

export const domainRoutes = [listDomains, createDomain, getDomain, deleteDomain];

const domainView = ({ domain, ownerId, credentialId }: SenderDomain): z.infer<typeof senderDomainSchema> => ({
  id: `${credentialId ?? ownerId}:${domain}`,
  domain,
  of: credentialId === null ? 'user' : 'credential',
  owner_id: ownerId,
  credential_id: credentialId,
});

/** A list of domains with whose it is. */
interface DomainList {
  readonly owner: DomainListOwner;
  readonly ownerId: string;
  readonly credentialId: string | null;
  readonly domains: readonly string[];
}

const missing = (what: string) => new SluiceError('NOT_FOUND', `there is no such ${what}`);
const onlyAdministrators = () =>
  new SluiceError('FORBIDDEN', 'only administrators say which domains a user may send from');

export interface DomainServices {
  readonly accounts: Pick<Accounts, 'user' | 'credential'>;
  readonly accountsService: AccountsService;
  readonly senderDomains: SenderDomains;
}

export function bindDomains({ accounts, accountsService, senderDomains }: DomainServices) {
  const lists = new SenderDomainLists({ accounts, accountsService });

  /** The list of a user or credential by its id; null for another's, as far as a user can tell. */
  const listOf = async (caller: Caller, id: string): Promise<DomainList | null> => {
    const credential = await accounts.credential(id);
    if (credential !== null && credential.deletedAt === null && maySee(caller, credential.ownerId)) {
      const { ownerId, domains } = credential;
      return { owner: { credentialId: id }, ownerId, credentialId: id, domains };
    }
    const user = await accounts.user(id);
    if (user === null || user.deletedAt !== null || !maySee(caller, id)) return null;
    return { owner: { userId: id }, ownerId: id, credentialId: null, domains: user.domains };
  };

  const found = async (caller: Caller, id: string) => {
    const [listId = '', domain = ''] = id.split(':');
    const list = await listOf(caller, listId);
    if (list === null || !list.domains.includes(domain)) throw missing('domain in a list');
    return { list, domain };
  };

  /** What a user adds beyond the owner's own list would be refused at every MAIL: better said at once. */
  const checkWithin = async (caller: Caller, { ownerId }: DomainList, domain: string): Promise<void> => {
    if (caller.role === 'admin') return;
    const allowed = (await accounts.user(ownerId))?.domains ?? [];
    if (allowed.length === 0 || allowed.some((parent) => isWithinDomain(domain, parent))) return;
    throw new SluiceError('FORBIDDEN', `your account may not send from ${domain}; ask an administrator`);
  };

  return [
    bind(listDomains)(async ({ caller, query }) => {
      const page = await senderDomains.list({
        ...ownerFilter(caller, query.owner_id),
        ...pageOptions(query),
        ...sortOptions(query.sort),
        ...given({ credentialId: query.credential_id, of: query.of, search: query.search }),
      });
      return { status: 200, body: { items: page.items.map(domainView), next: page.next } };
    }),

    bind(getDomain)(async ({ caller, params }) => {
      const { list, domain } = await found(caller, params.id);
      return { status: 200, body: domainView({ ...list, domain }) };
    }),

    bind(createDomain)(async ({ caller, request, body }) => {
      const { domain, credential_id: credentialId, owner_id: ownerId } = body;
      const id = credentialId ?? ownerId;
      if (id === undefined || (credentialId !== undefined && ownerId !== undefined)) {
        const problems = [{ path: 'body', message: 'name either credential_id or owner_id' }];
        throw new SluiceError('REQUEST_INVALID', 'body: name either credential_id or owner_id', { problems });
      }
      if (ownerId !== undefined && caller.role !== 'admin') throw onlyAdministrators();
      const list = await listOf(caller, id);
      if (list === null || (list.credentialId === null) !== (ownerId !== undefined)) {
        throw missing(ownerId === undefined ? 'SMTP credential' : 'user');
      }
      await checkWithin(caller, list, domain);
      await lists.add(list.owner, domain, auditOrigin(caller, request));
      return { status: 201, body: domainView({ ...list, domain }) };
    }),

    bind(deleteDomain)(async ({ caller, params, request }) => {
      const { list, domain } = await found(caller, params.id);
      if (list.credentialId === null && caller.role !== 'admin') throw onlyAdministrators();
      await lists.remove(list.owner, domain, auditOrigin(caller, request));
      return { status: 204 };
    }),
  ];
}
