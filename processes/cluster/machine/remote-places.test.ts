import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ConnectionCounts, type ConnectionPlace, type NoPlace } from '../../../core/smtp/connection-counts.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { Channel } from './channel.ts';
import { PlacesOfChild } from './places-of-child.ts';
import type { ChildQuestions, PrimaryQuestions } from './questions.ts';
import { RemotePlaces } from './remote-places.ts';

/** Both ends in one process; what a child says arrives only while `open`. */
function link(limits: { connections: number; connections_per_address: number }, patience?: number) {
  const counts = new ConnectionCounts(limits);
  const held = new PlacesOfChild(counts);
  const waiting: object[] = [];
  const state = { open: true };
  let toPrimary: (message: unknown) => void = () => {};
  let toChild: (message: unknown) => void = () => {};
  const copy = (message: object): unknown => JSON.parse(JSON.stringify(message));
  new Channel<PrimaryQuestions, ChildQuestions>(
    {
      send: (message) => queueMicrotask(() => toChild(copy(message))),
      listen: (hear) => {
        toPrimary = hear;
      },
    },
    {
      config: () => {
        throw new Error('not asked for here');
      },
      enter: (address) => held.enter(address),
      assign: ({ place, address }) => held.assign(place, address),
      leave: (place) => held.leave(place),
      started: () => {},
      failed: () => {},
    },
  );
  const nothing = () => {
    throw new Error('not asked for here');
  };
  const channel = new Channel<ChildQuestions, PrimaryQuestions>(
    {
      send: (message) => void (state.open ? toPrimary(copy(message)) : waiting.push(message)),
      listen: (hear) => {
        toChild = hear;
      },
    },
    { metrics: nothing, readiness: nothing, reload: nothing },
  );
  const release = () => {
    state.open = true;
    for (const message of waiting.splice(0)) toPrimary(copy(message));
  };
  return { counts, held, channel, places: new RemotePlaces(channel, patience), state, release };
}

function granted(place: ConnectionPlace | NoPlace): ConnectionPlace {
  if (typeof place === 'string') throw new Error(place);
  return place;
}

test('a place is counted where all are, and given back once', async () => {
  const { counts, places } = link({ connections: 2, connections_per_address: 1 });
  const first = granted(await places.enter('192.0.2.1'));
  expect(await places.enter('192.0.2.1')).toBe('client-full');
  const later = granted(await places.enter(null));
  expect(await places.enter('192.0.2.3')).toBe('full');
  expect(await later.assign('192.0.2.1')).toBe(false);
  later.leave();
  later.leave();
  first.leave();
  expect([counts.total, places.total]).toEqual([0, 0]);
  expect(granted(await places.enter('192.0.2.1'))).toBeDefined();
});

test('a place that is granted too late is given back, and its client was told to come again', async () => {
  const { counts, places, state, release } = link({ connections: 1, connections_per_address: 1 }, 20);
  state.open = false;
  expect(await places.enter('192.0.2.1')).toBe('unknown');
  release();
  await waitFor('the place to be free', () => counts.total === 0);
  await turn();
  expect(places.total).toBe(0);
  expect(granted(await places.enter('192.0.2.1'))).toBeDefined();
});

test('what a process held is free when it is gone, and who still asks learns nothing', async () => {
  const { counts, held, channel, places } = link({ connections: 9, connections_per_address: 9 });
  const place = granted(await places.enter(null));
  granted(await places.enter('192.0.2.1'));
  held.leaveAll();
  expect(counts.total).toBe(0);
  expect(await place.assign('192.0.2.1')).toBe(false);
  channel.close();
  expect(await places.enter(null)).toBe('unknown');
  place.leave();
  expect(counts.total).toBe(0);
});
