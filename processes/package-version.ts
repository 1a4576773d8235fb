import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { z } from 'zod';

const manifest = findPackageJSON(import.meta.url);
if (manifest === undefined) throw new Error('package.json of Sluice is missing');

/** Version of this Sluice, as package.json says. */
export const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8')));
