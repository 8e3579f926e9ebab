// The permitted schema of ActiveMQ configurations: what an editor offers, and what brokerd would remove.
import rules from './activemq-schema.json';
import { isSince } from './version';
import { elements, type XmlElement } from './xml';

/** The namespace of everything that is permitted. */
export const CORE = 'http://activemq.apache.org/schema/core';

interface Restriction {
  base: string;
  enumeration?: string[];
  minInclusive?: number;
  maxInclusive?: number;
}

type Attribute = string | { type: string; since?: string; required?: boolean };

interface Collection {
  elements: string[];
  many?: boolean;
  required?: boolean;
}

interface ElementType {
  strategy?: string;
  attributes?: Record<string, Attribute>;
  collections?: Record<string, Collection>;
}

const schema = rules as unknown as {
  types: Record<string, Restriction>;
  elements: Record<string, ElementType>;
};

/** For which configuration a document is. */
export interface Target {
  /** The engine's version, `5.18`. */
  version: string;
  /** The authentication strategy, `simple` or `ldap`. */
  strategy: string;
}

/** A place in a document: in an element for an object, or in one for a property. */
export type Place = { kind: 'element'; type: ElementType } | { kind: 'collection'; type: Collection };

/** The place of the root. */
export const root: Place = { kind: 'element', type: schema.elements['broker'] ?? {} };

/** The names that may be in a place. */
export function children(place: Place, target: Target): string[] {
  if (place.kind === 'element') return Object.keys(place.type.collections ?? {});
  return place.type.elements.filter((name) => isFor(schema.elements[name], target));
}

/** The place of a child; undefined: it is not permitted here. */
export function child(place: Place, name: string, target: Target): Place | undefined {
  if (place.kind === 'element') {
    const collection = own(place.type.collections, name);
    return collection && { kind: 'collection', type: collection };
  }
  const type = own(schema.elements, name);
  if (!type || !place.type.elements.includes(name) || !isFor(type, target)) return undefined;
  return { kind: 'element', type };
}

/** The place that a path of names leads to, from the root on. */
export function placeOf(path: string[], target: Target): Place | undefined {
  if (path[0] !== 'broker') return undefined;
  return path.slice(1).reduce<Place | undefined>((place, name) => place && child(place, name, target), root);
}

/** The attributes that an element may have. */
export function attributes(place: Place, target: Target): string[] {
  if (place.kind === 'collection') return [];
  return Object.entries(place.type.attributes ?? {})
    .filter(([, attribute]) => typeof attribute === 'string' || isSince(target.version, attribute.since))
    .map(([name]) => name);
}

/** The type of an attribute, for a person, and the values that it may have where they are few. */
export function attributeType(place: Place, name: string): { type: string; values: string[] } | undefined {
  const attribute = place.kind === 'element' ? own(place.type.attributes, name) : undefined;
  if (!attribute) return undefined;
  const type = typeof attribute === 'string' ? attribute : attribute.type;
  const restriction = own(schema.types, type);
  if (type === 'boolean') return { type, values: ['true', 'false'] };
  if (!restriction) return { type, values: [] };
  const { base, minInclusive: least, maxInclusive: most } = restriction;
  return { type: least === undefined ? base : `${base}, ${least} to ${most}`, values: restriction.enumeration ?? [] };
}

/** What is wrong with a part of a document, or was. */
export interface Fault {
  from: number;
  to: number;
  element: string;
  attribute?: string;
  reason: 'DISALLOWED_ELEMENT_REMOVED' | 'DISALLOWED_ATTRIBUTE_REMOVED' | 'INVALID_ATTRIBUTE_VALUE_REMOVED';
}

/** What brokerd would remove, in the order in which it would say so, but for values that only the engine refuses. */
export function removals(text: string, target: Target): Fault[] {
  const faults: Fault[] = [];
  const broker = elements(text)[0];
  if (broker?.name === 'broker') inspect(broker, root, target, faults);
  return faults;
}

function inspect(element: XmlElement, place: Place, target: Target, faults: Fault[]): void {
  const permitted = new Set(attributes(place, target));
  const removed: Fault[] = [];
  for (const { name, value, from, to } of element.attributes) {
    if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
    const isKnown = permitted.has(name);
    if (isKnown && !isEvaluated(value)) continue;
    const reason = isKnown ? 'INVALID_ATTRIBUTE_VALUE_REMOVED' : 'DISALLOWED_ATTRIBUTE_REMOVED';
    removed.push({ from, to, element: element.name, attribute: name, reason });
  }
  // Within an element they are told by name.
  faults.push(...removed.sort((one, other) => compare(one.attribute ?? '', other.attribute ?? '')));
  for (const inner of element.children) {
    const inside = child(place, inner.name, target);
    if (inside) inspect(inner, inside, target, faults);
    else faults.push({ ...tag(inner), element: inner.name, reason: 'DISALLOWED_ELEMENT_REMOVED' });
  }
}

/** A warning as the server answers it. */
export interface Warning {
  elementName: string;
  attributeName?: string;
  reason: string;
}

/** What is in a document and not in the one that was stored for it, with the reasons that the server gave. */
export function dropped(text: string, stored: string, warnings: Warning[], target: Target): Fault[] {
  const [one, other] = [elements(text)[0], elements(stored)[0]];
  const faults: Fault[] = [];
  if (one && other) compareTrees(one, other, root, target, faults);
  const left = [...warnings];
  return faults.map((fault) => {
    const at = left.findIndex(
      (warning) => warning.elementName === fault.element && warning.attributeName === fault.attribute,
    );
    const [warning] = at < 0 ? [] : left.splice(at, 1);
    return warning ? { ...fault, reason: warning.reason as Fault['reason'] } : fault;
  });
}

function compareTrees(one: XmlElement, other: XmlElement, place: Place, target: Target, faults: Fault[]): void {
  const stored = new Set(other.attributes.map(({ name }) => name));
  const known = new Set(attributes(place, target));
  for (const { name, from, to } of one.attributes) {
    if (stored.has(name) || name.startsWith('xmlns')) continue;
    const reason = known.has(name) ? 'INVALID_ATTRIBUTE_VALUE_REMOVED' : 'DISALLOWED_ATTRIBUTE_REMOVED';
    faults.push({ from, to, element: one.name, attribute: name, reason });
  }
  // What was stored is what was sent, in the same order, without some.
  const rest = [...other.children];
  for (const inner of one.children) {
    const inside = child(place, inner.name, target);
    const twin = rest[0];
    if (inside && twin?.name === inner.name && mayBe(inner, twin)) {
      rest.shift();
      compareTrees(inner, twin, inside, target, faults);
    } else {
      faults.push({ ...tag(inner), element: inner.name, reason: 'DISALLOWED_ELEMENT_REMOVED' });
    }
  }
}

/** Whether the second can be what was stored of the first. */
function mayBe(sent: XmlElement, stored: XmlElement): boolean {
  const names = new Set(sent.children.map(({ name }) => name));
  const values = new Map(sent.attributes.map(({ name, value }) => [name, value]));
  return (
    stored.children.every(({ name }) => names.has(name)) &&
    stored.attributes.every(({ name, value }) => name === 'xmlns' || values.get(name) === value)
  );
}

/** The first tag of an element, without the element's content. */
function tag({ from, nameTo }: XmlElement): { from: number; to: number } {
  return { from, to: nameTo };
}

/** Whether Spring would evaluate the value: as a placeholder, an expression or the name of a bean. */
function isEvaluated(value: string): boolean {
  return value.includes('${') || value.includes('#{') || value.trimStart().startsWith('#');
}

function isFor(type: ElementType | undefined, target: Target): boolean {
  return !type?.strategy || type.strategy.toLowerCase() === target.strategy.toLowerCase();
}

function own<T>(record: Record<string, T> | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
