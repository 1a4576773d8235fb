import { createConnection, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { createCredential, registerFirst } from '../support/api-client.ts';
import { describeWith } from '../support/describe-with.ts';
import { startSluice } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';
import { clientSession } from './support/client-session.ts';

/* More clients than there are file descriptors. */
const descriptors = 100;
const clients = 200;

const crowd = (port: number) => {
  const state = { greeted: 0 };
  const sockets: Socket[] = Array.from({ length: clients }, () => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('data', () => {
      state.greeted += 1;
    });
    socket.on('error', () => undefined);
    return socket;
  });
  return {
    state,
    leave: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
};

describeWith(['prlimit'], 'without a free descriptor', () => {
  test('connections wait or are closed, sessions go on, nothing dies, and all is well once clients leave', async () => {
    await using relay = await startSluice({
      wrapper: ['prlimit', `--nofile=${descriptors}`],
      configure: (config) => ({
        ...config,
        smtp: { listeners: [], ...config.smtp, limits: { connections_per_address: 2_000 } },
      }),
    });
    const credential = await createCredential(await registerFirst(relay.api));
    const message = 'From: me@example.com\r\n\r\nhello';
    await using early = await clientSession(relay, credential);
    for (let round = 0; round < 3; round += 1) {
      const many = crowd(relay.ports.smtp);
      let greeted = -1;
      await waitFor(
        'no further client to be greeted',
        () => {
          const same = many.state.greeted === greeted && greeted > 0;
          greeted = many.state.greeted;
          return same;
        },
        { interval: 300 },
      );
      expect(greeted, 'not all find a descriptor').toBeLessThan(descriptors);
      // Who is in works on.
      const sent = await early.send('me@example.com', ['you@example.org'], message);
      expect(sent.code, sent.text).toBe(250);
      expect(relay.child.exit(), relay.output()).toBeUndefined();
      many.leave();
      await using late = await waitFor('a new client to log in', () => clientSession(relay, credential));
      const again = await late.send('me@example.com', ['you@example.org'], message);
      expect(again.code, again.text).toBe(250);
      expect((await fetch(`${relay.api}/health/ready`)).status).toBe(200);
    }
    expect(await relay.terminate()).toEqual({ code: 0, signal: null });
  });
});
