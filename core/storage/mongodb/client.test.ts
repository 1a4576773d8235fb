import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { type TestDatabase, testDatabase } from '../../../tests/support/mongodb-database.ts';
import { createLog } from '../../observability/log.ts';
import { connectMongodb } from './client.ts';

describeWith(['mongodb'], 'a connection to MongoDB', () => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await testDatabase();
  });
  afterAll(() => test.drop());
  const log = createLog({ level: 'silent' });
  const { signal } = new AbortController();

  it('connects', async () => {
    const database = await connectMongodb({ uri: test.uri, log, signal });
    expect(await database.ask(() => database.collection('schema_version').countDocuments())).toBe(0);
    await database.close();
  });
});
