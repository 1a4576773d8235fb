import { z } from 'zod';

/*
 * Schemas of settings as they are written down: spans of time stay text, nothing is filled in, and what has to fit
 * together is not looked at. What such values mean is decided where the configuration is read.
 */

type Shape = Readonly<Record<string, z.ZodType>>;
/** What may be written there. */
type Written<T extends z.ZodType> = z.ZodType<z.input<T>, z.input<T>>;

/** Settings of which any may be left out. */
export const writtenShape = <S extends Shape>(shape: S) =>
  mapped(shape, (property) => property.optional()) as { [K in keyof S]: z.ZodOptional<Written<S[K]>> };

/** A merge patch (RFC 7396) of settings: what is left out stays, null removes. */
export const patchShape = <S extends Shape>(shape: S) =>
  mapped(shape, (property) => property.nullable().optional()) as {
    [K in keyof S]: z.ZodOptional<z.ZodNullable<Written<S[K]>>>;
  };

const mapped = (shape: Shape, change: (written: z.ZodType) => z.ZodType) =>
  Object.fromEntries(Object.entries(shape).map(([key, property]) => [key, change(writtenForm(property))]));

function writtenForm(schema: z.ZodType): z.ZodType {
  const form = bare(schema);
  const meta = schema.meta();
  const described = meta?.description === undefined ? form : form.describe(meta.description);
  return meta?.secret === true ? described.meta({ format: 'password' }) : described;
}

function bare(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return writtenForm(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodPipe) return writtenForm(schema.in as z.ZodType);
  if (schema instanceof z.ZodArray) return z.array(writtenForm(schema.element as z.ZodType));
  if (schema instanceof z.ZodObject) return z.strictObject(writtenShape(schema.shape as Shape));
  // Made from its definition, it does not bring along what this program notes about the original.
  return schema.clone(schema._zod.def as typeof schema.def);
}
