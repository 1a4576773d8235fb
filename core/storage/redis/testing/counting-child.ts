import { parseRedisUrl } from '../../../config/redis-url.ts';
import { systemClock } from '../../../domain/clock.ts';
import { createLog } from '../../../observability/log.ts';
import { RedisCounters } from '../counters.ts';
import { RedisLink } from '../link.ts';

/*
 * A process that takes units from one window until it is refused three times over, some of which it gives back, and prints
 * how many it settled. Arguments: URL of Redis, limit.
 */
const [url = '', limit = ''] = process.argv.slice(2);
const address = parseRedisUrl(url);
if ('problem' in address) throw new Error(address.problem);
const times = { answerMilliseconds: 30_000, silenceMilliseconds: 60_000 };
const link = new RedisLink({ address, log: createLog({ level: 'silent' }), times });
await link.ready();
const counters = new RedisCounters({ link, accepted: { accepted: async () => 0 }, clock: systemClock });
const startsAt = Date.now() - 60_000;
const common = { account: 'u', window: 'hour:now', limit: Number(limit), startsAt, endsAt: startsAt + 3_600_000 };
const windows = [
  { ...common, owner: 'user:u' },
  { ...common, owner: 'credential:c' },
];

let settled = 0;
await Promise.all(
  Array.from({ length: 8 }, async (_, client) => {
    let refusals = 0;
    for (let turn = 0; refusals < 3; turn += 1) {
      const reserved = await counters.reserve(windows, 1);
      if (!reserved.ok) refusals += 1;
      else if ((turn + client) % 4 === 0) await counters.release([reserved.reservation]);
      else if (await counters.settle([reserved.reservation])) settled += 1;
    }
  }),
);
await link.close();
process.stdout.write(`${settled}\n`);
