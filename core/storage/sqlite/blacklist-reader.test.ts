import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import type { BlacklistFilter, BlacklistListOptions } from '../ports/blacklist.ts';
import { blacklistReader } from './blacklist-reader.ts';
import { openForWriting } from './database.ts';

/** Remembers what it is asked, so that SQLite can be asked how it would find it. */
class Recording extends DatabaseSync {
  readonly asked: string[] = [];

  override prepare(sql: string) {
    this.asked.push(sql);
    return super.prepare(sql);
  }
}

const plans = async (ask: (reader: ReturnType<typeof blacklistReader>) => unknown): Promise<string> => {
  await using folder = await temporaryFolder('blacklist');
  const file = join(folder.path, 'sluice.db');
  (await openForWriting(file)).close();
  const database = new Recording(file);
  ask(blacklistReader(database));
  const explain = (sql: string) => {
    const values = Array.from(sql.matchAll(/\?/g), () => 1);
    return database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
  };
  const told = [...database.asked].flatMap(explain).map(({ detail }) => String(detail));
  database.close();
  return told.join('\n');
};

describe('however long the blacklist is, a question reads only what it answers:', () => {
  it.each<[string, BlacklistFilter, Omit<BlacklistListOptions, 'limit'>, RegExp]>([
    ['a page', {}, {}, /SCAN blacklist$/],
    ['a later page', {}, { after: '4.c0000200.024' }, /SEARCH blacklist USING PRIMARY KEY/],
    ['the networks around one', { holding: '2001:db8::1/128' }, {}, /SEARCH blacklist USING PRIMARY KEY \(place=\?\)/],
    ['the networks within one', { within: '10.0.0.0/8' }, {}, /USING PRIMARY KEY \(place>\? AND place<\?\)/],
    ['by age', {}, { sort: 'created_at', after: 'x', descending: true }, /USING INDEX sqlite_autoindex_blacklist_2/],
    ['by end', {}, { sort: 'expires_at', after: '5.x' }, /USING INDEX blacklist_end/],
  ])('%s', async (_, filter, options, expected) => {
    const plan = await plans((reader) => reader.listBlacklist(filter, { ...options, limit: 1 }));
    expect(plan).toMatch(expected);
    expect(plan).not.toMatch(/TEMP B-TREE/);
  });

  it('single entries, and those of some networks', async () => {
    expect(await plans((reader) => reader.blacklistEntry('x'))).toMatch(/^SEARCH .*\(id=\?\)$/);
    expect(await plans((reader) => reader.blacklistByNetworks(['10.0.0.0/8', '10.0.0.1/32']))).toMatch(
      /^SEARCH .*\(place=\?\)$/,
    );
  });
});
