import { alternatives, itemsOf, propertiesOf, type SchemaNode, typesOf } from './schema-node.ts';

const largest = Number.MAX_SAFE_INTEGER;

function number(node: SchemaNode): string {
  const kind = node.type === 'integer' ? 'a whole number' : 'a number';
  const least = node.minimum !== undefined && node.minimum > -largest ? node.minimum : undefined;
  const most = node.maximum !== undefined && node.maximum < largest ? node.maximum : undefined;
  if (least !== undefined && most !== undefined) return `${kind} from ${least} to ${most}`;
  if (least !== undefined) return `${kind}, ${least} or more`;
  if (most !== undefined) return `${kind}, ${most} or less`;
  return node.exclusiveMinimum === undefined ? kind : `${kind} over ${node.exclusiveMinimum}`;
}

function one(node: SchemaNode): string {
  if (node.expected !== undefined) return node.expected;
  if (node.enum !== undefined) {
    const values = node.enum.map(String);
    return values.length === 1 ? String(values[0]) : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
  }
  if (node.const !== undefined) return String(node.const);
  const items = itemsOf(node);
  if (items !== undefined) {
    const count = node.minItems === undefined || node.minItems === 0 ? 'a list' : 'a list of at least one entry';
    const named = typesOf(items)[0] === 'object' ? '' : `, each ${expectation(items)}`;
    return count + named;
  }
  switch (node.type) {
    case 'integer':
    case 'number':
      return number(node);
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'string':
      return node.pattern === undefined
        ? node.minLength
          ? 'text that is not empty'
          : 'text'
        : `text that matches ${node.pattern}`;
    case 'object': {
      const keys = Object.keys(propertiesOf(node));
      return keys.length === 0
        ? 'keys with values'
        : `keys with values (${keys.slice(0, 6).join(', ')}${keys.length > 6 ? ', …' : ''})`;
    }
    default:
      return 'another value';
  }
}

/** What may stand at a setting, in words that follow "expected". */
export function expectation(node: SchemaNode): string {
  if (node.expected !== undefined) return node.expected;
  return [...new Set(alternatives(node).map(one))].join(', or ');
}

/** What does stand there, in words that follow "found". Secrets are not shown. */
export function finding(value: unknown, secret = false): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'keys with values';
  if (secret) return 'something else (not shown: it is a secret)';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
