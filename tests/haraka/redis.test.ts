import { redis } from './cases/redis.ts';
import { describeCases } from './harness/describe-cases.ts';

describeCases(redis);
