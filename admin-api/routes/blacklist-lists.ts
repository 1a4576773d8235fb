import { z } from 'zod';
import { endSchema, reasonSchema } from '../../core/blacklist/blacklist-schemas.ts';
import { importLimit } from '../../core/blacklist/import-plan.ts';
import { plainLines, csvLines as readCsv } from '../../core/blacklist/list-lines.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { BlacklistEntry } from '../../core/storage/ports/blacklist.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { component } from '../components.ts';
import { csvLines, csvType, savedAs } from '../http/csv.ts';
import { bind, defineRoute } from '../route.ts';
import type { BlacklistServices } from './blacklist.ts';
import { blacklistFilter, blacklistFilterFields, entryView } from './blacklist-view.ts';
import { flagSchema } from './fields.ts';

const plainType = 'text/plain';
/** Octets: `importLimit` entries with reason and end. */
const largestList = 8 * 1024 * 1024;

const reportSchema = component(
  'BlacklistImport',
  z.strictObject({
    dry_run: z.boolean(),
    added: z.int(),
    updated: z.int().describe('Listed before, with another reason or end'),
    unchanged: z.int(),
    repeated: z.int().describe('Said already by a line before'),
    invalid: z.int().describe('Lines passed over'),
    problems: z
      .array(z.strictObject({ line: z.int(), message: z.string() }))
      .describe('What is wrong with them: the first thousand'),
  }),
);

const tag = 'blacklist';

export const importBlacklist = defineRoute({
  id: 'importBlacklist',
  method: 'POST',
  path: '/api/blacklist/import',
  tag,
  summary: 'Put a list on the blacklist: CSV, or a plain list of addresses and networks',
  description:
    `CSV has a head line: \`network\`, and, if wanted, \`reason\` and \`expires_at\`; an export can be imported again. A plain list has an address or network a line, with comments after \`#\`. At most ${importLimit} entries. ` +
    'All lines are checked before anything is written. What a line says of an entry that is listed already replaces that; the same list again changes nothing.',
  security: 'admin',
  scope: 'admin',
  query: z.strictObject({
    dry_run: flagSchema.optional().describe('Say what would be done; do nothing'),
    skip_invalid: flagSchema.optional().describe('Pass over bad lines instead of refusing the whole list'),
    reason: reasonSchema.optional().describe('For new entries without one; default: `imported`'),
    expires_at: endSchema.optional().describe('For new entries without an end; default: never'),
  }),
  text: {
    mediaTypes: [csvType, plainType],
    limit: largestList,
    examples: {
      [csvType]:
        'network,reason,expires_at\r\n198.51.100.0/24,port scans,2099-01-31T12:00:00Z\r\n2001:db8:bad::1,,\r\n',
      [plainType]: '# bad neighbourhood\n198.51.100.0/24\n2001:db8:bad::1 # the worst of all\n',
    },
  },
  answers: { 200: { description: 'What was done, or would be', schema: reportSchema } },
});

export const exportBlacklist = defineRoute({
  id: 'exportBlacklist',
  method: 'GET',
  path: '/api/blacklist/export',
  tag,
  summary: 'The blacklist as CSV, or as a plain list for other programs, in the order of addresses',
  security: 'admin',
  scope: 'admin',
  query: z.strictObject({
    ...blacklistFilterFields,
    format: z.enum(['csv', 'plain']).default('csv').describe('`plain`: one network a line'),
  }),
  answers: { 200: { description: 'The list', mediaTypes: [csvType, plainType] } },
});

export const blacklistListRoutes = [importBlacklist, exportBlacklist];

const pageSize = 500;
const columns = ['network', 'reason', 'source', 'created_at', 'updated_at', 'expires_at', 'id'] as const;

const rowOf = (entry: BlacklistEntry) => {
  const view = entryView(entry);
  return columns.map((name) => view[name]);
};

export function bindBlacklistLists({ blacklist, blacklistService, clock }: BlacklistServices) {
  /** Page by page, each asked for when the client has taken the one before. */
  async function* exported(filter: ReturnType<typeof blacklistFilter>, format: 'csv' | 'plain') {
    if (format === 'csv') yield csvLines([columns]);
    for (let after: string | null | undefined; after !== null; ) {
      const page = await blacklist.list(filter, { limit: pageSize, ...(after === undefined ? {} : { after }) });
      const lines =
        format === 'csv' ? csvLines(page.items.map(rowOf)) : page.items.map(({ network }) => `${network}\n`).join('');
      if (lines !== '') yield lines;
      after = page.next;
    }
  }

  return [
    bind(importBlacklist)(async ({ caller, query, body, request }) => {
      const { dry_run: dryRun = false, skip_invalid: skipInvalid = false, reason = 'imported' } = query;
      const expiresAt = query.expires_at ?? null;
      if (expiresAt !== null && expiresAt <= clock.now()) {
        const problem = { path: 'query.expires_at', message: 'expected a time to come' };
        throw new SluiceError('REQUEST_INVALID', `${problem.path}: ${problem.message}`, { problems: [problem] });
      }
      const lines = body.mediaType === csvType ? readCsv(body.text) : plainLines(body.text);
      const options = { dryRun, skipInvalid, reason, expiresAt };
      const { problems, ...counts } = await blacklistService.import(lines, options, auditOrigin(caller, request));
      return { status: 200, body: { dry_run: dryRun, ...counts, problems: problems.map((one) => ({ ...one })) } };
    }),

    bind(exportBlacklist)(async ({ query }) => {
      const body = exported(blacklistFilter(query, clock.now()), query.format);
      const [type, name] = query.format === 'csv' ? [csvType, 'blacklist.csv'] : [plainType, 'blacklist.txt'];
      return { status: 200, body, headers: savedAs(type, name) };
    }),
  ];
}
