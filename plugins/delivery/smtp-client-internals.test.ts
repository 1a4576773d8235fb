import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

/* What this plugin takes for granted of nodemailer's inside: a new version has to be read before it is taken. */

test('nodemailer is pinned to the version that was read', () => {
  expect(packageJson.dependencies.nodemailer).toBe('10.6.0');
});

test.each([
  '_setupConnectionHandlers',
  '_onConnect',
  '_onData',
  '_onError',
  '_onServerClosing',
  '_sendCommand',
  '_upgradeConnection',
])('%s is a method that can be overridden', (name) => {
  expect(Object.getOwnPropertyDescriptor(SMTPConnection.prototype, name)?.value).toBeTypeOf('function');
});

test.each(['_socket', '_responseActions', '_destroyed', 'secureConnection', 'lastServerResponse'])(
  '%s is a field of a new connection',
  (name) => {
    expect(Object.keys(new SMTPConnection({ host: '127.0.0.1' }))).toContain(name);
  },
);
