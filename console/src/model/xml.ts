// The elements of an XML text, with where they are. Wrong texts give what can be read of them.
import { xmlLanguage } from '@codemirror/lang-xml';

type Tree = ReturnType<typeof xmlLanguage.parser.parse>;
type SyntaxNode = Tree['topNode'];

/** An attribute; its place includes its value. */
export interface XmlAttribute {
  name: string;
  value: string;
  from: number;
  to: number;
}

/** An element; its place is that of all its text. */
export interface XmlElement {
  name: string;
  from: number;
  to: number;
  /** Where the name ends in its first tag. */
  nameTo: number;
  attributes: XmlAttribute[];
  children: XmlElement[];
}

/** The outermost elements of a text. */
export function elements(text: string): XmlElement[] {
  return inside(xmlLanguage.parser.parse(text).topNode, text);
}

/** The first place where a text is no XML. */
export function malformed(text: string): { from: number; to: number } | undefined {
  let found: { from: number; to: number } | undefined;
  xmlLanguage.parser.parse(text).iterate({
    enter: ({ type, from, to }) => {
      const isWrong = type.isError || type.name === 'MissingCloseTag' || type.name === 'MismatchedCloseTag';
      if (isWrong) found ??= { from, to: Math.max(to, Math.min(from + 1, text.length)) };
      return !found;
    },
  });
  return found;
}

function inside(node: SyntaxNode, text: string): XmlElement[] {
  return node.getChildren('Element').flatMap((element) => read(element, text) ?? []);
}

function read(node: SyntaxNode, text: string): XmlElement | undefined {
  const open = node.getChild('OpenTag') ?? node.getChild('SelfClosingTag');
  const name = open?.getChild('TagName');
  if (!open || !name) return undefined;
  const attributes = open.getChildren('Attribute').flatMap((attribute) => {
    const key = attribute.getChild('AttributeName');
    const value = attribute.getChild('AttributeValue');
    if (!key) return [];
    const raw = value ? text.slice(value.from + 1, value.to - 1) : '';
    return [{ name: text.slice(key.from, key.to), value: unescaped(raw), from: attribute.from, to: attribute.to }];
  });
  return {
    name: text.slice(name.from, name.to),
    from: node.from,
    to: node.to,
    nameTo: name.to,
    attributes,
    children: inside(node, text),
  };
}

/** The names of the elements around a place, the outermost one first. */
export function pathAt(node: SyntaxNode, text: (from: number, to: number) => string): string[] {
  const path: string[] = [];
  for (let at: SyntaxNode | null = node; at; at = at.parent) {
    if (at.name !== 'Element') continue;
    const name = (at.getChild('OpenTag') ?? at.getChild('SelfClosingTag'))?.getChild('TagName');
    path.unshift(name ? text(name.from, name.to) : '');
  }
  return path;
}

const NAMED: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function unescaped(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(lt|gt|quot|apos|amp));/gi, (whole, hex, decimal, name) => {
    if (name) return NAMED[String(name).toLowerCase()] ?? whole;
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
