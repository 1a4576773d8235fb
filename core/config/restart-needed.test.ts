import { expect, test } from 'vitest';
import { restartNeeded } from './restart-needed.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';

const config = (input: Partial<ConfigInput> = {}): Config => configSchema.parse({ plugins: [], ...input });
const relay = { name: 'relay', port: 2525 };
const office = { name: 'office', port: 2526 };

test.each<[string, Partial<ConfigInput>, Partial<ConfigInput>, string[]]>([
  ['nothing', {}, {}, []],
  ['plugins, which are swapped', { plugins: [{ use: 'quota' }] }, { plugins: [] }, []],
  ['a value written in another way', { api: { token_ttl: '24h' } }, { api: { token_ttl: '1d' } }, []],
  [
    'several settings',
    { log: { level: 'info' } },
    { log: { level: 'warn' }, worker: { retry: { most: '5h' } } },
    ['log.level', 'worker.retry.most'],
  ],
  ['a secret, by name only', { jwt_secret: 'one' }, { jwt_secret: 'other' }, ['jwt_secret']],
  [
    'one listener, wherever it stands',
    { smtp: { listeners: [relay, office] } },
    { smtp: { listeners: [{ ...office, port: 25 }, relay] } },
    ['smtp.listeners.office.port'],
  ],
  [
    'a new listener',
    { smtp: { listeners: [relay] } },
    { smtp: { listeners: [relay, office] } },
    ['smtp.listeners.office'],
  ],
  [
    'a list without names',
    { api: { trusted_proxies: [] } },
    { api: { trusted_proxies: ['10.0.0.0/8'] } },
    ['api.trusted_proxies'],
  ],
])('tells %s', (_, running, read, expected) => {
  expect(restartNeeded(config(running), config(read))).toEqual(expected);
});
