import { expect, it } from 'vitest';
import { DeliveryMeter } from '../../core/observability/delivery-meter.ts';
import { guardClaims } from '../../processes/cluster/worker-side.ts';
import { describeWith } from '../support/describe-with.ts';
import { claim, claimNow, mail } from './mail.ts';
import { openMongodb } from './mongodb-storage.ts';

/* The store of a cluster's worker, as it is wrapped there. */
describeWith(['mongodb'], 'the wrapped store of a worker', () => {
  it('asks the database before the final dot', async () => {
    const storage = await openMongodb();
    const store = guardClaims(new DeliveryMeter().watch(storage.deliveries), () => true);
    await storage.messages.commit(mail());
    const [claimed] = await claim(store, 1);
    if (claimed === undefined) throw new Error('nothing was claimed');
    const { lease } = claimed;
    expect(await store.tellDot?.({ ...lease, token: 'another' }, [0])).toBe(false);
    expect(await store.tellDot?.(lease, [0])).toBe(true);
    await storage.close();
  });

  it('gives back what was claimed once the process may not claim any more', async () => {
    const storage = await openMongodb();
    let may = true;
    const store = guardClaims(storage.deliveries, () => may);
    const stop = new AbortController();
    const { signal } = stop;
    const waiting = store.claim({ limit: 5, worker: 'frozen', leaseMilliseconds: 45_000, signal });
    may = false;
    await storage.messages.commit(mail());
    expect(await waiting).toEqual([]);
    expect(await claimNow(storage.deliveries)).toHaveLength(1);
    const refused = store.claim({ limit: 5, worker: 'frozen', leaseMilliseconds: 45_000, signal });
    stop.abort();
    expect(await refused).toEqual([]);
    await storage.close();
  });
});
