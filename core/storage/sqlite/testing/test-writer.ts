import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { NewMessage } from '../../ports/message-store.ts';
import type { Claimed } from '../claims.ts';
import { openForWriting } from '../database.ts';
import { DiskSpace } from '../disk-space.ts';
import { encodeMessage } from '../encode-message.ts';
import { MarkFile } from '../mark.ts';
import type { Item, SettlementItem } from '../protocol.ts';
import { StoreRow } from '../store-row.ts';
import { type Work, Writer } from '../writer.ts';

/** A writer without its thread, on a clock that the test moves. */
export interface TestWriter extends Disposable {
  readonly writer: Writer;
  readonly database: DatabaseSync;
  now: number;
}

export async function testWriter(folder: string, now = Date.now()): Promise<TestWriter> {
  const database = await openForWriting(join(folder, 'sluice.db'));
  const mark = new MarkFile(join(folder, 'accepted.mark'), new StoreRow(database).databaseId);
  const disk = new DiskSpace(folder, { lowWater: 0, reserve: 0 });
  const test: TestWriter = {
    now,
    database,
    writer: new Writer(database, { mark, disk, ambiguousDelay: 600_000, now: () => test.now }),
    [Symbol.dispose]() {
      database.close();
      mark.close();
    },
  };
  return test;
}

const empty = new ArrayBuffer(0);

/** An item without a body of its own. */
export const work = (item: Item): Work => ({ item, slab: empty });

/** A message with its body in a slab of its own. */
export function messageWork(message: NewMessage): Work {
  const item = encodeMessage(message);
  if (message.body.kind === 'chunks') return work(item);
  const slab = new Uint8Array(message.body.bytes).buffer;
  item.body = { chunks: 1, offset: 0, length: slab.byteLength };
  return { item, slab };
}

/** Gives all recipients of a claim one state, and ends the lease. */
export function settlement({ seq, lease, recipients }: Claimed, state: string, at: number): SettlementItem {
  const settled = (JSON.parse(recipients) as object[]).map((recipient, index) => ({
    index,
    recipient: { ...recipient, state, nextAt: null, finalAt: at },
  }));
  return {
    kind: 'settlement',
    seq,
    lease,
    recipients: JSON.stringify(settled),
    attempts: [],
    generated: [],
    release: true,
  };
}
