import type { SchemaDocument } from './migrations.ts';

/** Every collection, and what its documents are. */
export interface Documents {
  schema_version: SchemaDocument;
}

export type CollectionName = keyof Documents;
