import { afterEach, expect, it, vi } from 'vitest';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { freePort } from '../../../tests/support/free-port.ts';
import { startRedisCluster } from '../../../tests/support/redis-cluster.ts';
import { startRedisSentinel } from '../../../tests/support/redis-sentinel.ts';
import { type RedisServer, type RedisServerOptions, startRedis } from '../../../tests/support/redis-servers.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { parseRedisUrl } from '../../config/redis-url.ts';
import { RedisLink } from './link.ts';
import { gatheredLog } from './testing/log-lines.ts';

// A failover takes its time, and more of it on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const server = async (options: Omit<RedisServerOptions, 'tls'> = {}): Promise<RedisServer> => {
  const started = await startRedis(options);
  closing.push(async () => started.stop());
  return started;
};

const linked = (url: string, times = { answerMilliseconds: 3_000, silenceMilliseconds: 6_000 }) => {
  const address = parseRedisUrl(url);
  if ('problem' in address) throw new Error(address.problem);
  const { log, messages, lines } = gatheredLog();
  const link = new RedisLink({ address, log, times });
  closing.push(() => link.close());
  return { link, messages, lines };
};

const gone = 'Redis does not answer: quotas and rates are answered 451, wake-ups wait, the database is polled';

describeWith(['redis-server'], 'the link to Redis', () => {
  it('says once that Redis is gone, and once that it is back', async () => {
    const redis = await server();
    const { link, messages } = linked(redis.url);
    await link.ready();
    await waitFor('Redis to be seen', () => link.up);
    await redis.kill();
    await waitFor('its end to be seen', () => !link.up);
    await expect(link.commands.get('x')).rejects.toThrow();
    await redis.start();
    await waitFor('its return to be seen', () => link.up);
    expect(await link.commands.get('x')).toBeNull();
    expect(messages()).toEqual(['Redis answers', gone, 'Redis answers again']);
  });

  it('takes a frozen Redis for gone, and goes on when it thaws', async () => {
    const redis = await server();
    const { link, messages } = linked(redis.url);
    await link.ready();
    await waitFor('Redis to be seen', () => link.up);
    redis.freeze();
    await expect(link.commands.get('x')).rejects.toThrow();
    await waitFor('the frost to be seen', () => !link.up);
    redis.thaw();
    await waitFor('the thaw to be seen', () => link.up);
    expect(messages()).toEqual(['Redis answers', gone, 'Redis answers again']);
  });

  it('waits for a Redis that comes later', async () => {
    const port = await freePort();
    const { link, messages } = linked(`redis://127.0.0.1:${port}`);
    const ready = link.ready();
    await waitFor('the log to say so', () => messages().includes(gone));
    await server({ port });
    await ready;
  });

  it('stops waiting when it is told to, and when it is closed', async () => {
    const { link } = linked(`redis://127.0.0.1:${await freePort()}`);
    const stop = new AbortController();
    const stopped = link.ready(stop.signal);
    const closed = link.ready();
    stop.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    const refused = expect(closed).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    await link.close();
    await refused;
  });

  it('refuses a Redis that forgets counters when its memory is full', async () => {
    const redis = await server({ arguments: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'] });
    const { link } = linked(redis.url);
    await expect(link.ready()).rejects.toMatchObject({
      code: 'REDIS_UNSUITABLE',
      message: expect.stringMatching(/allkeys-lru.*Set maxmemory-policy noeviction/),
    });
    await redis.admin.config('SET', 'maxmemory', '0');
    const { link: other, messages } = linked(redis.url);
    await other.ready();
    expect(messages()).toContainEqual(expect.stringMatching(/allkeys-lru.*has no maxmemory now/));
  });

  it('says which file of authorities cannot be read', () => {
    expect(() => linked('rediss://127.0.0.1?ca=/none/ca.pem')).toThrow(
      expect.objectContaining({ code: 'TLS_INVALID', message: expect.stringContaining('/none/ca.pem') }),
    );
  });

  it('shows no password in its log', async () => {
    const redis = await server({ arguments: ['--requirepass', 'planted-secret'] });
    const { link, messages, lines } = linked(redis.url.replace('redis://', 'redis://:planted-wrong@'));
    const other = link.connect();
    closing.push(async () => other.disconnect());
    await waitFor('the refusal', () => messages().includes(gone));
    await waitFor('the other refusal', () => lines().some((line) => line.includes('a connection to Redis failed')));
    expect(link.up).toBe(false);
    expect(lines().join('')).toContain('WRONGPASS');
    expect(lines().join('')).not.toContain('planted');
    const right = linked(redis.url.replace('redis://', 'redis://:planted-secret@'));
    await right.link.ready();
  });

  it.each([
    ['sentinels', startRedisSentinel],
    ['a cluster', startRedisCluster],
  ])('speaks TLS and gives passwords to %s, too', async (_, start) => {
    const deployment = await start({ tls: true, password: 'planted-secret' });
    closing.push(async () => deployment[Symbol.asyncDispose]());
    const { link } = linked(deployment.url);
    await link.ready();
    for (const key of ['a', 'b', 'c', 'd']) expect(await link.commands.set(key, '1')).toBe('OK');
    const heard = Promise.withResolvers<string>();
    const subscriber = link.connect();
    closing.push(async () => subscriber.disconnect());
    subscriber.on('message', (_channel: string, message: string) => heard.resolve(message));
    await subscriber.subscribe('news');
    await link.commands.publish('news', 'heard');
    expect(await heard.promise).toBe('heard');
  });

  it.each(['killed', 'frozen'])('follows the sentinels to another master when the old one is %s', async (how) => {
    const deployment = await startRedisSentinel();
    closing.push(async () => deployment[Symbol.asyncDispose]());
    const { link, messages } = linked(deployment.url);
    await link.ready();
    await waitFor('Redis to be seen', () => link.up);
    const master = await deployment.master();
    if (how === 'killed') await master.kill();
    else master.freeze();
    await waitFor('another master', async () => (await deployment.master()).port !== master.port, { timeout: 60_000 });
    await waitFor('writes to work', () => link.commands.set('x', '1').catch(() => null), { timeout: 60_000 });
    await waitFor('Redis to be seen', () => link.up);
    expect(messages().at(-1)).toMatch(/^Redis answers/);
  });
});
