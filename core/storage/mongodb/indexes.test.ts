import { MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { testDatabase } from '../../../tests/support/mongodb-database.ts';
import { startMongodbProxy } from '../../../tests/support/mongodb-proxy.ts';
import { createIndexes } from './indexes.ts';

describeWith(['mongodb'], 'making an index', () => {
  it('waits for a build that outlasts its connection', async () => {
    await using test = await testDatabase();
    const address = new URL(test.uri);
    await using proxy = await startMongodbProxy({ host: address.hostname, port: Number(address.port) });
    address.port = String(proxy.port);
    await using client = new MongoClient(`${address}`, { socketTimeoutMS: 200 });
    let asked = 0;
    proxy.meddle(({ name }) => {
      if (name !== 'createIndexes') return undefined;
      asked += 1;
      return asked < 3 ? 'silence' : undefined;
    });
    await createIndexes(client.db(), [{ collection: 'users', key: { emailKey: 1 }, unique: true }]);
    expect(asked).toBeGreaterThanOrEqual(3);
    const found = await client.db().collection('users').indexes();
    expect(found).toContainEqual(expect.objectContaining({ key: { emailKey: 1 }, unique: true }));
  });
});
