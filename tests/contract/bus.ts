import { beforeEach, describe, expect, it } from 'vitest';
import type { Bus, BusEvent } from '../../core/storage/ports/bus.ts';
import { waitFor } from '../support/wait-for.ts';

/** What every adapter of `Bus` has to do. `create` answers two ends of one bus; in a single process they are the same. */
export function busContract(
  adapter: string,
  create: () => { here: Bus; there: Bus } | Promise<{ here: Bus; there: Bus }>,
): void {
  describe(`bus: ${adapter}`, () => {
    let here: Bus;
    let there: Bus;

    beforeEach(async () => {
      ({ here, there } = await create());
    });

    const collect = (bus: Bus): { heard: BusEvent[]; end: () => void } => {
      const heard: BusEvent[] = [];
      return { heard, end: bus.subscribe((event) => heard.push(event)) };
    };

    it('tells every listener everything, in order', async () => {
      const [one, two] = [collect(there), collect(there)];
      const events: BusEvent[] = [
        { kind: 'credential', id: 'c1' },
        { kind: 'settings', version: 7 },
        { kind: 'blacklist', id: 'b1' },
      ];
      for (const event of events) here.publish(event);
      await waitFor('three events', () => one.heard.length === 3 && two.heard.length === 3);
      expect(one.heard).toEqual(events);
      expect(two.heard).toEqual(events);
    });

    it('tells the one who published, too', async () => {
      const { heard } = collect(here);
      here.publish({ kind: 'user', id: 'u1' });
      await waitFor('the event', () => heard.length === 1);
    });

    it('tells nothing any more after the end of a subscription', async () => {
      const [ended, staying] = [collect(there), collect(there)];
      ended.end();
      ended.end();
      here.publish({ kind: 'user', id: 'u1' });
      await waitFor('the event', () => staying.heard.length === 1);
      expect(ended.heard).toEqual([]);
    });

    it('goes on when a listener throws', async () => {
      there.subscribe(() => {
        throw new Error('a listener that fails');
      });
      const { heard } = collect(there);
      here.publish({ kind: 'user', id: 'u1' });
      here.publish({ kind: 'user', id: 'u2' });
      await waitFor('both events', () => heard.length === 2);
    });
  });
}
