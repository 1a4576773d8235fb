import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { migrate, migrations } from './migrations.ts';
import { addDetailedStatistics } from './statistics-schema.ts';

it('tells mail that waits already when it was accepted', async () => {
  await using folder = await temporaryFolder('statistics-schema');
  const file = join(folder.path, 'sluice.db');
  const database = new DatabaseSync(file);
  await migrate(database, file, migrations.slice(0, migrations.indexOf(addDetailedStatistics)));
  database.exec(`
    INSERT INTO entries VALUES (7, x'07', 0, 1, 0, 1000, 1), (8, x'08', 0, 1, 0, 2000, 1), (9, x'09', 0, 1, 0, 3000, 1);
    INSERT INTO queue (seq, kind, owner, credential, chunks, recipients, tally)
      VALUES (7, 0, 1, 0, 1, '[]', ''), (9, 0, 1, 0, 1, '[]', '');
  `);
  await migrate(database, file);
  const rows = database.prepare('SELECT seq, accepted_at FROM queue ORDER BY seq').all();
  expect(rows.map(({ seq, accepted_at }) => [seq, accepted_at])).toEqual([
    [7, 1_000],
    [9, 3_000],
  ]);
  database.close();
});
