import { SluiceError } from '../../domain/errors.ts';
import type { RateLimitState, RateLimits } from '../ports/rate-limits.ts';
import type { RedisLink } from './link.ts';
import { Script } from './script.ts';

/*
 * KEYS[1] holds the points used and expires with its window. ARGV: limit, window in milliseconds, points, 1 to only
 * look. A window that would end later than a new one was opened under a longer setting: it starts anew. → allowed, used,
 * end of the window by the server's clock.
 */
const consumeScript = `
local limit, window, points = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local used = tonumber(redis.call('GET', KEYS[1]) or 0)
local left = redis.call('PTTL', KEYS[1])
local open = left > 0 and left <= window
if not open then
  local time = redis.call('TIME')
  local ends = time[1] * 1000 + math.floor(time[2] / 1000) + window
  if ARGV[4] == '1' or points > limit or points <= 0 then
    return { points <= limit and 1 or 0, 0, ends }
  end
  redis.call('SET', KEYS[1], points, 'PXAT', ends)
  return { 1, points, ends }
end
local ends = redis.call('PEXPIRETIME', KEYS[1])
if points > 0 and used + points > limit then return { 0, used, ends } end
if ARGV[4] == '1' then return { 1, used, ends } end
used = math.max(0, used + points)
redis.call('SET', KEYS[1], used, 'KEEPTTL')
return { 1, used, ends }
`;

/**
 * Rate limits shared by all processes, forgotten when Redis forgets. The time is that of the server, the same for all;
 * where Redis does not answer every call rejects, and what it limits is refused for now.
 */
export class RedisRateLimits implements RateLimits {
  readonly #link: RedisLink;
  readonly #consume = new Script(consumeScript);

  constructor(link: RedisLink) {
    this.#link = link;
  }

  consume(key: string, limit: number, windowMilliseconds: number, points = 1): Promise<RateLimitState> {
    return this.#run(key, limit, windowMilliseconds, points, 0);
  }

  peek(key: string, limit: number, windowMilliseconds: number): Promise<RateLimitState> {
    return this.#run(key, limit, windowMilliseconds, 1, 1);
  }

  async reset(key: string): Promise<void> {
    try {
      await this.#link.commands.del(this.#key(key));
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  #key(key: string): string {
    return this.#link.key(`rates:${key}`);
  }

  async #run(key: string, limit: number, window: number, points: number, look: 0 | 1): Promise<RateLimitState> {
    try {
      const reply = await this.#consume.run(this.#link.commands, [this.#key(key)], limit, window, points, look);
      const [allowed, used, resetsAt] = reply as [number, number, number];
      return { allowed: allowed === 1, used, resetsAt };
    } catch (cause) {
      throw unavailable(cause);
    }
  }
}

const unavailable = (cause: unknown) =>
  new SluiceError('REDIS_UNAVAILABLE', 'Redis does not answer, so rates cannot be limited', { cause });
