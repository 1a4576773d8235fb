import { Resolver } from 'node:dns/promises';
import { expect, it } from 'vitest';
import { startDnsServer } from './dns-server.ts';

it('answers the records of its zone, and that other names do not exist', async () => {
  const long = 'v=DKIM1; p='.padEnd(400, 'x');
  await using server = await startDnsServer({
    'mail.example.org': { A: ['198.51.100.7'], AAAA: ['2001:db8::7'], TXT: [long] },
    'example.org': { MX: [[10, 'mail.example.org']] },
    '7.100.51.198.in-addr.arpa': { PTR: ['mail.example.org'] },
    'broken.example': 'servfail',
  });
  const resolver = new Resolver();
  resolver.setServers([server.address]);
  expect(await resolver.resolve4('Mail.Example.org')).toEqual(['198.51.100.7']);
  expect(await resolver.resolve6('mail.example.org')).toEqual(['2001:db8::7']);
  expect((await resolver.resolveTxt('mail.example.org'))[0]?.join('')).toBe(long);
  expect(await resolver.resolveMx('example.org')).toEqual([
    expect.objectContaining({ priority: 10, exchange: 'mail.example.org' }),
  ]);
  expect(await resolver.reverse('198.51.100.7')).toEqual(['mail.example.org']);
  await expect(resolver.resolve4('other.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  await expect(resolver.resolveMx('mail.example.org')).rejects.toMatchObject({ code: 'ENODATA' });
  await expect(resolver.resolve4('broken.example')).rejects.toMatchObject({ code: 'ESERVFAIL' });
});
