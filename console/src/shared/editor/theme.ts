// The looks of the editors, light and dark. Every colour has the contrast of WCAG AA on its background.
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { Compartment, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

interface Colours {
  text: string;
  background: string;
  muted: string;
  border: string;
  selection: string;
  line: string;
  focus: string;
  name: string;
  key: string;
  string: string;
  removed: string;
  added: string;
}

const LIGHT: Colours = {
  text: '#0f141a',
  background: '#ffffff',
  muted: '#656871',
  border: '#c6c6cd',
  selection: '#b8e7ff',
  line: '#f6f6f9',
  focus: '#006ce0',
  name: '#7300e5',
  key: '#004a9e',
  string: '#00620a',
  removed: '#ffe3e0',
  added: '#d9f7dc',
};
const DARK: Colours = {
  text: '#ebebf0',
  background: '#161d26',
  muted: '#a4a4ad',
  border: '#424650',
  selection: '#16477a',
  line: '#1b232d',
  focus: '#42b4ff',
  name: '#d9a8ff',
  key: '#75cfff',
  string: '#7ae685',
  removed: '#5a1f1d',
  added: '#12461c',
};

function extension(colours: Colours, dark: boolean): Extension {
  const theme = EditorView.theme(
    {
      '&': {
        color: colours.text,
        backgroundColor: colours.background,
        fontSize: '14px',
        border: `1px solid ${colours.border}`,
      },
      '.cm-scroller': { fontFamily: 'Monaco, Menlo, Consolas, "Courier Prime", Courier, monospace', lineHeight: '1.5' },
      '.cm-content': { caretColor: colours.text },
      '.cm-cursor': { borderLeftColor: colours.text },
      '.cm-gutters': {
        backgroundColor: colours.line,
        color: colours.muted,
        borderRight: `1px solid ${colours.border}`,
      },
      '.cm-activeLine': { backgroundColor: 'transparent' },
      '.cm-activeLineGutter': { backgroundColor: colours.selection, color: colours.text },
      '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
        backgroundColor: colours.selection,
      },
      '.cm-tooltip': {
        backgroundColor: colours.background,
        color: colours.text,
        border: `1px solid ${colours.border}`,
      },
      '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
        backgroundColor: colours.selection,
        color: colours.text,
      },
      '.cm-completionDetail': { color: colours.muted, fontStyle: 'normal' },
      '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: 'bold' },
      '.cm-panels': { backgroundColor: colours.line, color: colours.text },
      '.cm-deletedChunk': { backgroundColor: colours.removed },
      '&.cm-merge-a .cm-changedLine': { backgroundColor: colours.removed },
      '&.cm-merge-b .cm-changedLine, .cm-inlineChangedLine': { backgroundColor: colours.added },
      '.cm-changedText': { background: 'none !important', textDecoration: 'underline', fontWeight: 'bold' },
      '.cm-deletedChunk .cm-deletedText': {
        background: 'none !important',
        textDecoration: 'underline',
        fontWeight: 'bold',
      },
      '.cm-collapsedLines': {
        background: colours.line,
        color: colours.text,
        borderColor: colours.border,
      },
      // The sign that they have otherwise is in few fonts.
      '.cm-collapsedLines:before, .cm-collapsedLines:after': { content: '"⋯"' },
      '&.cm-focused': { outline: `2px solid ${colours.focus}` },
    },
    { dark },
  );
  const highlight = HighlightStyle.define([
    { tag: [tags.tagName, tags.keyword, tags.typeName], color: colours.name },
    { tag: [tags.attributeName, tags.propertyName, tags.definition(tags.variableName)], color: colours.key },
    { tag: [tags.string, tags.attributeValue, tags.number, tags.bool, tags.atom, tags.quote], color: colours.string },
    { tag: [tags.comment, tags.processingInstruction, tags.meta], color: colours.muted },
    { tag: tags.invalid, textDecoration: 'underline' },
  ]);
  return [theme, syntaxHighlighting(highlight)];
}

const light = extension(LIGHT, false);
const dark = extension(DARK, true);
const isDark = () => document.body.classList.contains('awsui-dark-mode');

/** The looks of an editor, and a function that follows what the person chooses until it is called off. */
export function looks(): { extension: Extension; follow: (views: EditorView[]) => () => void } {
  const slot = new Compartment();
  const now = () => (isDark() ? dark : light);
  return {
    extension: slot.of(now()),
    follow: (views) => {
      const observer = new MutationObserver(() => {
        for (const view of views) view.dispatch({ effects: slot.reconfigure(now()) });
      });
      observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
      return () => observer.disconnect();
    },
  };
}

/** A root in which editors may have styles of their own: the page's policy permits no style elements. */
export function shadowOf(host: HTMLElement): { root: ShadowRoot; place: HTMLElement } {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const place = document.createElement('div');
  root.replaceChildren(place);
  return { root, place };
}
