import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { exampleNames } from '../core/config/environment-example.ts';
import { environmentNames } from '../core/config/environment-names.ts';
import { smtpPortName, upstreamNames } from '../core/config/original-names.ts';
import { configSchema } from '../core/config/schema.ts';
import { schemaNode } from '../core/config/schema-node.ts';
import { generatedFiles } from './generated-files.ts';

const repository = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(repository, path), 'utf8');

let files: Map<string, string>;
beforeAll(async () => {
  files = await generatedFiles();
});

test('what is checked in is what the code makes: else run `npm run generate`', () => {
  for (const [path, text] of files) expect(read(path) === text, path).toBe(true);
});

test('made twice, it is the same', async () => {
  expect([...(await generatedFiles())]).toEqual([...files]);
});

describe('configs/schema.json', () => {
  const errors = (text: string): (string | undefined)[] => {
    const validate = ajvFormats
      .default(new Ajv2020({ allErrors: true }))
      .compile(JSON.parse(files.get('configs/schema.json') ?? ''));
    validate(parse(text));
    return (validate.errors ?? [])
      .filter(({ keyword }) => keyword !== 'if')
      .map((error) => `${error.instancePath} ${error.message}`);
  };

  test('takes the shipped file', () => {
    expect(errors(read('configs/sluice.yaml'))).toEqual([]);
  });

  test('knows the settings of the plugin that an entry uses', () => {
    expect(
      errors('plugins: [{ use: quota, config: { time_zone: 5 } }, { use: ./own.ts, config: { any: 1 } }]'),
    ).toEqual(['/plugins/0/config/time_zone must be string']);
  });

  test('marks secrets, and says nothing in words of our own', () => {
    const text = files.get('configs/schema.json') ?? '';
    expect(text).toContain('"writeOnly": true');
    expect(text).not.toMatch(/"(?:env|secret|expected)":/);
  });
});

describe('config.env.example', () => {
  test('shows only names that exist, and every one of the original', () => {
    const known = environmentNames(schemaNode(configSchema), {}, new Map());
    const original = [smtpPortName, ...Object.keys(upstreamNames)];
    const others = exampleNames.filter((name) => !known.has(name) && !original.includes(name));
    const entrypoint = readFileSync(join(import.meta.dirname, '../deploy/postfix/entrypoint.sh'), 'utf8');
    const ofPostfix = exampleNames.filter((name) => entrypoint.includes(`\${${name}:`));
    expect(ofPostfix.length).toBeGreaterThan(0);
    expect(others).toEqual(['SLUICE_CONFIG', ...ofPostfix]);
    const promised = ['MONGODB_URI', 'REDIS_URL', 'DAILY_QUOTA_DEFAULT', 'HOURLY_QUOTA_DEFAULT', 'RATE_LIMIT_REQUESTS'];
    expect(exampleNames).toEqual(
      expect.arrayContaining([
        ...original,
        ...promised,
        'RATE_LIMIT_WINDOW',
        'SLUICE_DATA_DIR',
        'JWT_SECRET',
        'API_PORT',
      ]),
    );
  });

  test('its values are the defaults', () => {
    const known = environmentNames(schemaNode(configSchema), {}, new Map());
    const shown = [...(files.get('config.env.example') ?? '').matchAll(/^#([A-Z_]+)=(.+)$/gm)];
    expect(shown.length).toBeGreaterThan(5);
    for (const [, name = '', value] of shown) {
      if (name !== smtpPortName) expect([name, String(known.get(name)?.node.default)]).toEqual([name, value]);
    }
  });
});

test('docs/configuration.md has a line for every setting and every name', () => {
  const text = files.get('docs/configuration.md') ?? '';
  for (const [name] of environmentNames(schemaNode(configSchema), {}, new Map())) {
    if (!name.startsWith('SLUICE_SMTP__LISTENERS') && !name.startsWith('SLUICE_PLUGINS'))
      expect(text).toContain(`\`${name}\``);
  }
  expect(text).toContain('`SLUICE_SMTP__LISTENERS__<NAME>__PORT`');
  expect(text).toContain('`SLUICE_PLUGINS__QUOTA__TIME_ZONE`');
  expect(text).toContain('`SLUICE_PLUGINS__DELIVERY__UPSTREAMS__<NAME>__HOST`<br>`UPSTREAM_SMTP_HOST`');
});

test('docs/cli.md has a page for every command', () => {
  const text = files.get('docs/cli.md') ?? '';
  const pages = [...text.matchAll(/^## (sluice .+)$/gm)].map(([, title]) => title);
  expect(pages).toEqual([
    'sluice start [part]',
    'sluice check',
    'sluice status',
    'sluice plugins',
    'sluice plugins reset <id>',
    'sluice upstream list',
    'sluice upstream test <name>',
    'sluice user add',
    'sluice user list',
    'sluice credential add',
    'sluice credential list',
    'sluice queue list',
    'sluice queue show <id>',
    'sluice queue retry [ids...]',
    'sluice queue cancel [ids...]',
    'sluice queue hold [ids...]',
    'sluice queue release [ids...]',
    'sluice queue bounce [ids...]',
    'sluice queue reroute <upstream> [ids...]',
    'sluice blacklist list',
    'sluice blacklist add <network>',
    'sluice blacklist remove <entries...>',
    'sluice blacklist import <file>',
    'sluice blacklist export',
    'sluice stats',
    'sluice events',
    'sluice send',
    'sluice conservation',
    'sluice migrate',
    'sluice haraka check',
  ]);
});
