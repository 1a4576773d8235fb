import { expect, test } from 'vitest';
import { SluiceError } from '../../core/domain/errors.ts';
import { message, session, testPlugin, transaction } from '../../core/pipeline/testing.ts';
import delivery from './index.ts';

const params = () => {
  const from = session();
  return { session: from, transaction: transaction({ session: from }), message: message('Subject: x\n\nbody\n') };
};

const failing = (error: Error) => ({ spool: { commit: () => Promise.reject(error) } });

test('what is durable is accepted', async () => {
  await using plugin = await testPlugin(delivery, { services: { upstreamBoard: { report: () => {} } } });
  expect(await plugin.run('queue', params())).toEqual({ do: 'accept', value: { as: 'queued' } });
  expect(plugin.handles('deliver')).toBe(false);
});

test.each([
  [new SluiceError('STORE_FULL', 'disk full'), '452 4.3.1'],
  [new SluiceError('RATE_LIMITED', 'daily quota used up\r\n'), '452 4.7.1'],
])('%s is told as %s', async (error, code) => {
  const services = { ...failing(error), upstreamBoard: { report: () => {} } };
  await using plugin = await testPlugin(delivery, { services });
  const answer = await plugin.run('queue', params());
  expect(answer).toMatchObject({ do: 'defer', reply: { code: 452, enhanced: code.slice(4) } });
});

test('any other failure goes on to the runner, which refuses for now', async () => {
  const services = { ...failing(new SluiceError('STORE_UNAVAILABLE', 'gone')), upstreamBoard: { report: () => {} } };
  await using plugin = await testPlugin(delivery, { services });
  await expect(plugin.run('queue', params())).rejects.toThrow('gone');
});

test('a file of authorities that is not there stops the start, and says so', async () => {
  const upstreams = [{ name: 'default', host: '127.0.0.1', tls: 'starttls' as const, tls_ca: '/nowhere/ca.pem' }];
  await expect(
    testPlugin(delivery, { config: { upstreams }, role: 'worker', services: { upstreamBoard: { report: () => {} } } }),
  ).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE', message: expect.stringContaining('/nowhere/ca.pem') });
});
