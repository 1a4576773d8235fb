import type { Document } from 'mongodb';
import type { CollectionName } from '../storage/mongodb/collections.ts';

/** Documents of one collection, each with the whole `_id` that it always has. */
export interface DocumentsOf {
  readonly collection: CollectionName;
  readonly documents: readonly Document[];
}

/** Some of what a copy has to bring over. */
export interface CopyPage {
  /** In the order in which they are to be written. */
  readonly writes: readonly DocumentsOf[];
  /** Rows of the source in it. */
  readonly rows: number;
  /** Where the next page begins; null at the end. */
  readonly next: number | null;
}

/**
 * One kind of thing that is brought over. The source does not change meanwhile, so a page read twice makes the same
 * documents: writing it again changes nothing, and reading it again tells whether all arrived.
 */
export interface Copy {
  /** What a person calls it; also the key of its progress. */
  readonly name: string;
  /** Where each of its rows has one document. */
  readonly collection: CollectionName;
  /** Rows in the source, to tell how far it has come. */
  total(): number;
  /** `from` is 0 at the beginning, then `next` of the page before. */
  page(from: number): CopyPage;
}
