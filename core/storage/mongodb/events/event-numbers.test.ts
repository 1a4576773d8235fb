import { expect, it } from 'vitest';
import { describeWith } from '../../../../tests/support/describe-with.ts';
import { storeBehindProxy } from '../testing/store-behind-proxy.ts';
import { pendingEvent } from './event-documents.ts';
import { EventNumbers } from './event-numbers.ts';

const events = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) =>
    pendingEvent(`key ${from + n}`, { type: 'configuration_changed', at: 1, version: from + n, cause: 'restored' }),
  );

describeWith(['mongodb'], 'numbers of events', () => {
  it('are given without sending a batch anew for each event that another process has published', async () => {
    await using lab = await storeBehindProxy();
    const { proxy, store, other } = lab;
    await new EventNumbers(other.database).store(events(200));
    let sent = 0;
    proxy.meddle(({ name, collection, documents }) => {
      if (name === 'insert' && collection === 'events') sent += documents.length;
      return undefined;
    });
    await new EventNumbers(store.database).store(events(300));
    expect(sent).toBeLessThanOrEqual(300 + 100);
    const stored = await other.database
      .collection('events')
      .find({}, { sort: { _id: 1 } })
      .toArray();
    expect(stored.map(({ _id }) => _id)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    expect(stored.map(({ key }) => key)).toEqual(events(300).map(({ key }) => key));
  });
});
