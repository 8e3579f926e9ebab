// The editor itself; loaded by `Editor` when it is needed.
import { closeCompletion, completionStatus } from '@codemirror/autocomplete';
import { type Diagnostic, forceLinting, linter, lintGutter } from '@codemirror/lint';
import { EditorState, Prec, Transaction } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { basicSetup } from 'codemirror';
import { useEffect, useRef } from 'react';
import type { EditorProps } from './Editor';
import { diagnosticsOf, extensionOf } from './languages';
import { looks, shadowOf } from './theme';

/** How long after a key the text is looked at, in milliseconds. */
const LOOK_AFTER_MS = 300;

export default function CodeEditor(props: EditorProps) {
  const { value, label, language, marks, jump, isReadOnly = false, lines = 24 } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const reported = useRef('[]');
  const latest = useRef(props);
  latest.current = props;
  const about = JSON.stringify(language);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const { root, place } = shadowOf(element);
    const look = looks();
    const made = new EditorView({
      root,
      parent: place,
      doc: latest.current.value,
      extensions: [
        basicSetup,
        look.extension,
        extensionOf(latest.current.language),
        EditorState.readOnly.of(isReadOnly),
        EditorView.editable.of(!isReadOnly),
        EditorView.contentAttributes.of({
          'aria-label': label,
          'aria-readonly': String(isReadOnly),
          spellcheck: 'false',
          tabindex: '0',
        }),
        EditorView.theme({
          '.cm-scroller': {
            minHeight: `${Math.min(lines, 12) * 1.5}em`,
            maxHeight: `${lines * 1.5}em`,
            overflow: 'auto',
          },
        }),
        isReadOnly ? [] : [linter(findings, { delay: LOOK_AFTER_MS }), lintGutter()],
        // A dialog around the editor must not close with the list of completions.
        Prec.highest(keymap.of([{ key: 'Escape', run: closeList, stopPropagation: true }])),
        EditorView.updateListener.of((update) => {
          const isOwn = update.transactions.some((one) => one.annotation(Transaction.remote));
          if (update.docChanged && !isOwn) latest.current.onChange?.(update.state.doc.toString());
        }),
      ],
    });
    view.current = made;
    const stop = look.follow([made]);
    if (latest.current.hasFocus) made.focus();
    const report = (found: Diagnostic[]) => {
      const told = JSON.stringify(found);
      if (told !== reported.current) latest.current.onFindings?.(found);
      reported.current = told;
      return found;
    };
    function findings(of: EditorView): Diagnostic[] {
      const { language: now, marks: told = [] } = latest.current;
      const length = of.state.doc.length;
      const own = diagnosticsOf(now, of.state.doc.toString());
      const others = told.filter(({ from, to }) => !own.some((one) => one.from === from && one.to === to));
      return report([...own, ...others].filter(({ from, to }) => from >= 0 && to <= length));
    }
    return () => {
      stop();
      view.current = undefined;
      made.destroy();
    };
    // The language is compared by what it says.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [about, isReadOnly, label, lines]);

  useEffect(() => {
    const now = view.current;
    if (!now || now.state.doc.toString() === value) return;
    const changes = { from: 0, to: now.state.doc.length, insert: value };
    now.dispatch({ changes, annotations: Transaction.remote.of(true) });
  }, [value, about]);

  useEffect(() => {
    if (view.current && !isReadOnly) forceLinting(view.current);
  }, [marks, isReadOnly, about]);

  useEffect(() => {
    const now = view.current;
    if (!now || !jump) return;
    const at = Math.min(jump.at, now.state.doc.length);
    now.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) });
    now.focus();
  }, [jump]);

  return <div ref={host} className="brokerd-editor" />;
}

function closeList(view: EditorView): boolean {
  return completionStatus(view.state) !== null && closeCompletion(view);
}
