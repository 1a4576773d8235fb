import { z } from 'zod';

/**
 * The JSON schema of a setting, as far as this program asks about it: what may be written there (`io: input`), with
 * this project's own words `env` (further names in the environment), `secret` and `expected` (said when it is wrong).
 */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly pattern?: string;
  readonly env?: string;
  readonly secret?: boolean;
  readonly expected?: string;
}

/** What a zod schema takes, as JSON schema; parts that have no such form become "anything". */
export const schemaNode = (schema: z.ZodType): SchemaNode =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as SchemaNode;

/** The forms a value may take: the node itself, or the members of its union. */
export const alternatives = (node: SchemaNode): readonly SchemaNode[] => node.anyOf ?? node.oneOf ?? [node];

/** JSON types that fit; empty means any. */
export const typesOf = (node: SchemaNode): readonly string[] =>
  alternatives(node).flatMap((each) => {
    if (each.type !== undefined) return each.type;
    return each.const === undefined ? [] : typeof each.const;
  });

/** All keys an object here may have, with what they hold. */
export const propertiesOf = (node: SchemaNode): Readonly<Record<string, SchemaNode>> =>
  Object.assign({}, ...alternatives(node).map((each) => each.properties ?? {}));

/** What the entries of a list here are, or undefined for no list. */
export const itemsOf = (node: SchemaNode): SchemaNode | undefined =>
  alternatives(node).find((each) => each.items !== undefined)?.items;

/** True for a list whose entries are named: they are addressed by `name` or `id` in environment and overlay. */
export function isKeyedList(node: SchemaNode): boolean {
  const items = itemsOf(node);
  return items !== undefined && ('name' in propertiesOf(items) || 'id' in propertiesOf(items));
}

/** What belongs under `key` of this node, be it a property, an entry of a list or a value of a dictionary. */
export function childNode(node: SchemaNode, key: string): SchemaNode | undefined {
  const property = propertiesOf(node)[key];
  if (property !== undefined) return property;
  const items = itemsOf(node);
  if (items !== undefined) return items;
  const rest = alternatives(node).find((each) => typeof each.additionalProperties === 'object')?.additionalProperties;
  return typeof rest === 'object' ? rest : undefined;
}
