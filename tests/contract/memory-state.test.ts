import { pino } from 'pino';
import { MemoryBus } from '../../core/storage/memory/bus.ts';
import { MemoryCounters } from '../../core/storage/memory/counters.ts';
import { MemoryRateLimits } from '../../core/storage/memory/rate-limits.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { busContract } from './bus.ts';
import { counterReaderContract } from './counter-reader.ts';
import { countersContract } from './counters.ts';
import { rateLimitsContract } from './rate-limits.ts';

busContract('in memory', () => {
  const bus = new MemoryBus(pino({ level: 'silent' }));
  return { here: bus, there: bus };
});

countersContract('in memory', () => {
  const clock = new ManualClock();
  return { counters: new MemoryCounters({ clock }), expireLeases: () => clock.advance(60_001) };
});

counterReaderContract('in memory', () => {
  const clock = new ManualClock();
  return { counters: new MemoryCounters({ clock }), expireLeases: () => clock.advance(60_001) };
});

rateLimitsContract('in memory', () => {
  const clock = new ManualClock();
  return {
    rateLimits: new MemoryRateLimits({ clock }),
    now: () => clock.now(),
    pass: (milliseconds) => clock.advance(milliseconds),
  };
});
