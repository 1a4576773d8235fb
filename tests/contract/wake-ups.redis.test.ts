import { BeeWakeUps } from '../../core/queue/bee-queue/bee-wake-ups.ts';
import { waitFor } from '../support/wait-for.ts';
import { describeRedis, removeKeys } from './redis-deployments.ts';
import { wakeUpsContract } from './wake-ups.ts';

describeRedis('the queue', (on, deployment) => {
  wakeUpsContract(on, async () => {
    const [sending, first, second] = [await deployment.link(), await deployment.link(), await deployment.link()];
    await removeKeys(sending, '{mail}:*');
    const pollMilliseconds = 300;
    const sender = BeeWakeUps.sender({ link: sending });
    const workers = [
      BeeWakeUps.worker({ link: first, pollMilliseconds }),
      BeeWakeUps.worker({ link: second, pollMilliseconds }),
    ] as const;
    await waitFor('the queues to be open', () => [sender, ...workers].every((queue) => queue.open));
    let closed: Promise<void> | undefined;
    const close = async () => {
      await Promise.all([sender, ...workers].map((queue) => queue.close()));
    };
    return {
      sender,
      workers,
      pollMilliseconds,
      close: () => {
        closed ??= close();
        return closed;
      },
    };
  });
});
