import { parse } from 'yaml';
import { itemsOf, type SchemaNode, typesOf } from './schema-node.ts';

const words: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

/**
 * Turns the text of a variable into what its setting takes: lists are separated by commas or written as JSON, objects
 * are JSON. Text that does not fit stays text, for the schema to refuse.
 */
export function readValue(text: string, node: SchemaNode): unknown {
  const types = typesOf(node);
  if (types.length === 0) return parse(text);
  if (types.includes('boolean') && words[text.toLowerCase()] !== undefined) return words[text.toLowerCase()];
  if ((types.includes('integer') || types.includes('number')) && /^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  if (types.includes('null') && text === 'null') return null;
  if (types.includes('array') && !text.startsWith('[')) {
    const items = itemsOf(node) ?? {};
    return text.split(',').map((part) => readValue(part.trim(), items));
  }
  if (types.includes('array') || types.includes('object')) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}
