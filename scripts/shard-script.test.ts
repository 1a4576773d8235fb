import { createContext, runInContext } from 'node:vm';
import { expect, test } from 'vitest';
import { slots } from '../core/storage/mongodb/mail/slot.ts';
import { shardKeys } from '../core/storage/mongodb/shard-keys.ts';
import { shardScript } from './shard-script.ts';

interface Range {
  readonly ns: string;
  readonly min: { readonly slot: number; readonly _id: string };
  readonly max: { readonly slot: number; readonly _id: string };
  readonly tag: string;
}

/** The shell, as far as the script speaks to it: it keeps what it is told, and no more. */
function shell(shards: readonly string[]) {
  const told = {
    indexes: [] as unknown[],
    sharded: new Map<string, unknown>(),
    zones: [] as string[],
    lines: [] as string[],
  };
  let tags: Range[] = [];
  const collection = (name: string) => ({ createIndex: (key: unknown) => told.indexes.push([name, key]) });
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const config = {
    shards: { find: () => ({ sort: () => ({ toArray: () => shards.map((_id) => ({ _id })) }) }) },
    collections: { countDocuments: ({ _id }: { _id: string }) => (told.sharded.has(_id) ? 1 : 0) },
    tags: { findOne: ({ ns, min }: Range) => tags.find((one) => one.ns === ns && same(one.min, min)) ?? null },
  };
  const run = (): void => {
    runInContext(
      shardScript(),
      createContext({
        db: { getName: () => 'sluice', getSiblingDB: () => config, getCollection: collection },
        sh: {
          enableSharding: () => undefined,
          shardCollection: (ns: string, key: unknown) => told.sharded.set(ns, key),
          addShardToZone: (shard: string, zone: string) => told.zones.push(`${shard} ${zone}`),
          updateZoneKeyRange: (ns: string, min: Range['min'], max: Range['max'], tag: string) => {
            if (tags.some((one) => one.ns === ns && same(one.min, min))) throw new Error('zones overlap');
            tags.push({ ns, min, max, tag });
          },
          removeRangeFromZone: (ns: string, min: Range['min']) => {
            tags = tags.filter((one) => one.ns !== ns || !same(one.min, min));
          },
        },
        MinKey: () => 'MinKey',
        print: (line: string) => told.lines.push(line),
      }),
    );
  };
  return { told, run, tags: () => tags };
}

test('shards exactly what has a shard key, by it, with the index that it needs', () => {
  const { told, run } = shell(['a', 'b']);
  run();
  const keyed = Object.entries(shardKeys).flatMap(([name, { key }]) => (key === null ? [] : [[name, key]]));
  expect(JSON.parse(JSON.stringify([...told.sharded]))).toEqual(keyed.map(([name, key]) => [`sluice.${name}`, key]));
  expect(JSON.parse(JSON.stringify(told.indexes))).toEqual(keyed);
});

test('deals every slot to one shard, evenly, and again when there are more', () => {
  const shards = ['a', 'b', 'c'];
  const { told, run, tags } = shell(shards);
  run();
  expect(told.zones).toEqual(shards.map((shard) => `${shard} sluice-${shard}`));
  const ranges = tags();
  expect(ranges.map(({ min, max }) => [min.slot, max.slot])).toEqual(
    Array.from({ length: slots }, (_, slot) => [slot, slot + 1]),
  );
  const share = (of: readonly Range[]) =>
    shards.map((shard) => of.filter(({ tag }) => tag === `sluice-${shard}`).length);
  expect(share(ranges)).toEqual([22, 21, 21]);
  // Once more it changes nothing; with a fourth shard the slots are dealt out anew.
  run();
  expect(tags()).toEqual(ranges);
  shards.push('d');
  run();
  expect(share([...tags()])).toEqual([16, 16, 16, 16]);
  expect(tags()).toHaveLength(slots);
});

test('refuses what is no router', () => {
  expect(() => shell([]).run()).toThrow('no router');
});
