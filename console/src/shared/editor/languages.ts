// The languages of the editors: highlighting, what they offer, and what they say of a text.
import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  completeFromList,
} from '@codemirror/autocomplete';
import { xml } from '@codemirror/lang-xml';
import { StreamLanguage, syntaxTree } from '@codemirror/language';
import { json } from '@codemirror/legacy-modes/mode/javascript';
import { properties } from '@codemirror/legacy-modes/mode/properties';
import type { Diagnostic } from '@codemirror/lint';
import type { Extension } from '@codemirror/state';
import * as activemq from '../../model/activemq';
import { notJson, offers, placeAt, unknownActions } from '../../model/policy';
import * as rabbitmq from '../../model/rabbitmq';
import { malformed, pathAt } from '../../model/xml';
import { text } from '../../text';

/** What an editor is for. */
export type Language =
  | { kind: 'activemq'; target: activemq.Target }
  | { kind: 'rabbitmq'; version: string }
  | { kind: 'policy' }
  | { kind: 'json' };

/** Highlighting and completion. */
export function extensionOf(language: Language): Extension {
  switch (language.kind) {
    case 'activemq':
      return [
        xml({ autoCloseTags: true }),
        autocompletion({ override: [(context) => completeXml(context, language.target)] }),
      ];
    case 'rabbitmq':
      return [
        StreamLanguage.define(properties),
        autocompletion({ override: [(context) => completeKeys(context, language.version)] }),
      ];
    case 'policy':
      return [StreamLanguage.define(json), autocompletion({ override: [completePolicy] })];
    case 'json':
      return StreamLanguage.define(json);
  }
}

/** What can be said of a text before brokerd has seen it. */
export function diagnosticsOf(language: Language, document: string): Diagnostic[] {
  const words = text.configurations;
  switch (language.kind) {
    case 'activemq': {
      const wrong = malformed(document);
      if (wrong) return [{ ...wrong, severity: 'error', message: words.malformed }];
      return activemq.removals(document, language.target).map((fault) => ({
        from: fault.from,
        to: fault.to,
        severity: 'warning',
        message: words.wouldBeRemoved(fault),
      }));
    }
    case 'rabbitmq':
      return rabbitmq.mistakes(document, language.version).map((mistake) => ({
        from: mistake.from,
        to: mistake.to,
        severity: 'error',
        message: words.mistakes[mistake.message](mistake.what, language.version, mistake.valid),
      }));
    case 'policy': {
      const wrong = notJson(document);
      if (wrong) {
        const from = Math.min(wrong.at, document.length);
        return [{ from, to: from, severity: 'error', message: wrong.message || text.account.notAnObject }];
      }
      return unknownActions(document).map((name) => {
        const from = document.indexOf(JSON.stringify(name));
        const to = from + name.length + 2;
        return { from, to, severity: 'warning', message: text.account.unknownAction(name) };
      });
    }
    case 'json':
      return [];
  }
}

/** Elements behind a `<`, attributes inside of a tag, values between quotes: what the place permits. */
function completeXml(context: CompletionContext, target: activemq.Target): CompletionResult | null {
  const slice = (from: number, to: number) => context.state.sliceDoc(from, to);
  const node = syntaxTree(context.state).resolveInner(context.pos, -1);
  const value = context.matchBefore(/[\w:.-]+\s*=\s*(["'])[^"'<]*/);
  const path = pathAt(node, slice);
  if (value) {
    const [, name = '', written = ''] = /^([\w:.-]+)\s*=\s*["']([^"'<]*)$/.exec(value.text) ?? [];
    const place = activemq.placeOf(path, target);
    const type = place && activemq.attributeType(place, name);
    if (!type?.values.length) return null;
    return { from: context.pos - written.length, options: type.values.map((label) => ({ label })) };
  }
  const element = context.matchBefore(/<[\w:.-]*/);
  if (element) {
    // The element that is begun is no part of where it is.
    const around = node.name === 'TagName' || node.name === 'StartTag' ? path.slice(0, -1) : path;
    const place = activemq.placeOf(around, target);
    const names = around.length ? (place ? activemq.children(place, target) : []) : ['broker'];
    return {
      from: element.from + 1,
      options: names.sort().map((label) => ({ label, type: 'type' })),
      validFor: /^[\w:.-]*$/,
    };
  }
  const isInTag = /^(OpenTag|SelfClosingTag|Attribute|AttributeName|TagName)$/.test(node.name);
  const word = context.matchBefore(/[\w:.-]*/);
  const place = activemq.placeOf(path, target);
  if (!isInTag || !place || !word || (word.from === word.to && !context.explicit)) return null;
  const tag = closest(node, 'OpenTag') ?? closest(node, 'SelfClosingTag');
  const given = new Set(
    tag?.getChildren('Attribute').map((attribute) => {
      const name = attribute.getChild('AttributeName');
      return name && name.to !== context.pos ? slice(name.from, name.to) : '';
    }),
  );
  const names = activemq.attributes(place, target).filter((name) => !given.has(name));
  return {
    from: word.from,
    options: names.map((label) => ({
      label,
      detail: activemq.attributeType(place, label)?.type,
      type: 'property',
      apply: `${label}=""`,
    })),
    validFor: /^[\w:.-]*$/,
  };
}

type SyntaxNode = ReturnType<ReturnType<typeof syntaxTree>['resolveInner']>;

function closest(node: SyntaxNode, name: string): SyntaxNode | null {
  for (let at: SyntaxNode | null = node; at; at = at.parent) if (at.name === name) return at;
  return null;
}

/** Keys at the beginning of a line, values behind the equals sign. */
function completeKeys(context: CompletionContext, version: string): CompletionResult | null {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const [, key, written] = /^\s*([^=#]*?)\s*=\s*(.*)$/.exec(before) ?? [];
  if (key !== undefined && written !== undefined) {
    const rule = rabbitmq.ruleOf(key, version);
    if (!rule) return null;
    const options = rabbitmq.valuesOf(rule, version).map((label) => ({ label }));
    return options.length ? { from: context.pos - written.length, options } : null;
  }
  const word = /[\w.\\-]*$/.exec(before)?.[0] ?? '';
  if (before.trimStart() !== word || (word === '' && !context.explicit)) return null;
  return {
    from: context.pos - word.length,
    options: rabbitmq.permittedKeys(version).map(([pattern, rule]) => ({
      label: pattern,
      detail: rabbitmq.describe(rule, version),
      // A number and a name are to be chosen by the person.
      apply: pattern.replaceAll('#', '1').replaceAll('$', 'name') + ' = ',
      type: 'property',
    })),
    validFor: /^[\w.\\-]*$/,
  };
}

/** Members, actions, condition keys: what belongs to the place in the policy. */
function completePolicy(context: CompletionContext): CompletionResult | null | Promise<CompletionResult | null> {
  const string = context.matchBefore(/"[^"\n]*/);
  const place = placeAt(context.state.doc.toString(), context.pos);
  const found = offers(place);
  if (!found.length) return null;
  const hasEnd = context.state.sliceDoc(context.pos, context.pos + 1) === '"';
  if (string) {
    const options = found.map(({ label, detail }) => ({ label, detail, apply: hasEnd ? label : `${label}"` }));
    return { from: string.from + 1, options, validFor: /^[^"\n]*$/ };
  }
  if (!context.explicit) return null;
  return completeFromList(found.map(({ label, detail }) => ({ label, detail, apply: `"${label}"` })))(context);
}
