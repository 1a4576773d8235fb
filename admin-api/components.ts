import type { z } from 'zod';

/** Gives a schema a name of its own in the document's components; all others stand where they are used. */
export const component = <T extends z.ZodType>(id: string, schema: T): T => schema.meta({ ...schema.meta(), id });
