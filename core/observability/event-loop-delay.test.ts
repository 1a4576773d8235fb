import { expect, it } from 'vitest';
import { waitFor } from '../../tests/support/wait-for.ts';
import { EventLoopDelay } from './event-loop-delay.ts';

const block = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};

it('sees a thread that was held up, and forgets what was told', async () => {
  const delay = new EventLoopDelay();
  const seen = await waitFor('the delay to be seen', () => {
    block(150);
    return new Promise<ReturnType<EventLoopDelay['take']> | undefined>((resolve) => {
      setTimeout(() => {
        const numbers = delay.take();
        resolve(numbers.most >= 0.1 ? numbers : undefined);
      }, 50);
    });
  });
  expect(seen.median).toBeLessThanOrEqual(seen.p99);
  expect(seen.p99).toBeLessThanOrEqual(seen.most);
  delay.take();
  expect(delay.take()).toEqual({ median: 0, p99: 0, most: 0 });
});
