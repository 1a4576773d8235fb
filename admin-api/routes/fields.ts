import { z } from 'zod';

/*
 * Fields that several resources share. Every text that a client may send is bounded, and free of control characters,
 * line breaks above all: some of it ends up in mail headers and log lines.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
const printable = /^[^\x00-\x1f\x7f\u2028\u2029]*$/;

export const idSchema = z.uuid('expected an id, which is a UUID');
export const idParams = z.strictObject({ id: idSchema.describe('Its id, from where it is listed or was made') });

/** Text of one line for people to read. */
export const lineSchema = (most: number) =>
  z.string().trim().min(1).max(most).regex(printable, 'line breaks and control characters are not allowed');

export const limitSchema = z
  .int('expected a whole number, or null for no limit')
  .min(0)
  .nullable()
  .describe('Recipients; null: no limit, 0: nothing allowed');

/** A moment in an answer. */
export const timeSchema = z.iso.datetime().meta({ examples: ['2026-11-22T14:00:00.000Z'] });
export const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();
export const isoTimeOrNull = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : isoTime(milliseconds);

/** A moment in a query; milliseconds since the epoch inside. */
export const instantSchema = z.iso
  .datetime({ offset: true, message: 'expected a time such as 2026-11-22T14:00:00Z' })
  .transform((text) => Date.parse(text));

/** Query fields of every list. */
export const pageFields = {
  limit: z.coerce.number<number | string>().int().min(1).max(200).default(50).describe('Most items of one answer'),
  cursor: z
    .string()
    .regex(/^[\w.:=-]{1,200}$/, 'expected the `next` of the page before')
    .optional()
    .describe('`next` of the page before'),
};

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    items: z.array(item),
    next: z.string().nullable().describe('Pass as `cursor` for the next page; null at the end'),
  });

/** The store's names for a page query. */
export const pageOptions = (query: { readonly limit: number; readonly cursor?: string | undefined }) => ({
  limit: query.limit,
  ...(query.cursor === undefined ? {} : { after: query.cursor }),
});

/** Without the fields that were not given. */
export const given = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

/** Yes or no in a query. */
export const flagSchema = z.enum(['true', 'false']).transform((text) => text === 'true');

/** Part of a name, compared without case. */
export const searchSchema = z.string().min(1).max(100).optional();

/** What a list may be sorted by, the first unless asked for another; with a hyphen before it, backwards. */
export const sortSchema = <const K extends string>(keys: readonly [K, ...K[]]) =>
  z
    .enum([...keys, ...keys.map((key) => `-${key}` as const)])
    .optional()
    .describe(`Default: \`${keys[0]}\`; with a hyphen: backwards`);

/** The store's names for a sort. */
export function sortOptions<K extends string>(sort: K | `-${K}` | undefined): { sort?: K; descending?: boolean } {
  if (sort === undefined) return {};
  const descending = sort.startsWith('-');
  return { sort: (descending ? sort.slice(1) : sort) as K, descending };
}
