import { expect, test } from 'vitest';
import { z } from 'zod';
import { Seals } from '../accounts/seals.ts';
import { schemaNode } from '../config/schema-node.ts';
import { openOverlay, sealedPatch } from './sealed-overlay.ts';

const schema = z.strictObject({
  hosts: z.array(z.strictObject({ name: z.string(), key: z.string().meta({ secret: true }) })),
});
const node = { properties: { config: schemaNode(schema) } };
const seals = new Seals('the secrets key of this server');
const patches = [
  { config: { hosts: { a: { key: 'secret of a' } } } },
  { config: { hosts: [{ name: 'a', key: 'secret of a' }] } },
  { config: { hosts: { a: { key: null } } } },
];
const stored = (id: string, patch: Readonly<Record<string, unknown>>) => ({
  plugins: { [id]: { patch, beneath: {} } },
  order: null,
});

test.each(patches)('%j is stored without its secret, and comes back whole', (patch) => {
  const sealed = sealedPatch('p', patch, node, seals);
  expect(JSON.stringify(sealed)).not.toContain('secret of a');
  expect(openOverlay(stored('p', sealed), seals)).toEqual({ plugins: { p: patch }, order: null });
});

test('what was sealed under another key, or for another plugin, is refused with the way out', () => {
  const sealed = sealedPatch('p', { config: { hosts: { a: { key: 'secret of a' } } } }, node, seals);
  const refused = (id: string, key: Seals) => () => openOverlay(stored(id, sealed), key);
  expect(refused('p', new Seals('another key of another server'))).toThrow(/SLUICE_SECRETS_KEY.*plugins reset p/);
  expect(refused('q', seals)).toThrow(/plugins reset q/);
});
