// Bodies of messages: as text, as JSON, as hexadecimal digits.

/** A body as the server tells it. */
export interface Body {
  body: string;
  bodyEncoding: 'TEXT' | 'BASE64';
}

const BYTES_OF_LINE = 16;

/** The bytes of a body. */
export function bytesOf({ body, bodyEncoding }: Body): Uint8Array {
  if (bodyEncoding === 'TEXT') return new TextEncoder().encode(body);
  return Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
}

/** The text of a body; none: it is no UTF-8, or has characters that nobody can see. */
export function textOf(body: Body): string | undefined {
  if (body.bodyEncoding === 'TEXT') return body.body;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(body));
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** The JSON of a body with indentation; none: it is no JSON. Only objects and lists are worth it. */
export function prettyJson(body: Body): string | undefined {
  const text = textOf(body)?.trim();
  if (!text || !/^[[{]/.test(text)) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return indented(text);
}

/** Indents a JSON text without reading its numbers: those that JavaScript can't hold stay exact. */
function indented(text: string): string {
  let out = '';
  let depth = 0;
  let isInText = false;
  const line = () => `\n${'  '.repeat(depth)}`;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (isInText) {
      out += character;
      if (character === '\\') out += text[(at += 1)] ?? '';
      else if (character === '"') isInText = false;
    } else if (character === '"') {
      isInText = true;
      out += character;
    } else if (character === '{' || character === '[') {
      const rest = /^\s*[}\]]/.exec(text.slice(at + 1, at + 64));
      if (rest) {
        out += character + rest[0].trim();
        at += rest[0].length;
      } else {
        depth += 1;
        out += character + line();
      }
    } else if (character === '}' || character === ']') {
      depth -= 1;
      out += line() + character;
    } else if (character === ',') {
      out += character + line();
    } else if (character === ':') {
      out += ': ';
    } else if (!/\s/.test(character)) {
      out += character;
    }
  }
  return out;
}

/** Bytes as lines of sixteen: their place, their digits, and their characters where they are ASCII. */
export function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let first = 0; first < bytes.length; first += BYTES_OF_LINE) {
    const part = [...bytes.subarray(first, first + BYTES_OF_LINE)];
    const digits = part.map((byte) => byte.toString(16).padStart(2, '0'));
    const halves = [digits.slice(0, 8).join(' '), digits.slice(8).join(' ')].join('  ').padEnd(48);
    const characters = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${first.toString(16).padStart(8, '0')}  ${halves}  ${characters}`);
  }
  return lines;
}

export type PropertyType = 'text' | 'number' | 'boolean';

/** A property in a form. */
export interface Property {
  name: string;
  value: string;
  type: PropertyType;
}

/** Whether a value is one of its type. */
export function isOfType({ value, type }: Property): boolean {
  if (type === 'number') return value.trim() !== '' && Number.isFinite(Number(value));
  return type === 'text' || value === 'true' || value === 'false';
}

/** What is wrong with the name of a property, given all of a message. */
export function nameFault({ name }: Property, all: readonly Property[]): 'EMPTY' | 'TWICE' | undefined {
  if (!name) return 'EMPTY';
  return all.filter((one) => one.name === name).length > 1 ? 'TWICE' : undefined;
}

/** Properties as a request has them. Each has a name of its own. */
export function propertiesOf(properties: readonly Property[]): Record<string, string | number | boolean> {
  const value = ({ value, type }: Property) =>
    type === 'number' ? Number(value) : type === 'boolean' ? value === 'true' : value;
  return Object.fromEntries(properties.map((one) => [one.name, value(one)]));
}
