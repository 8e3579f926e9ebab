// The comparison of two texts; loaded by `Diff` when it is needed.
import { MergeView, unifiedMergeView } from '@codemirror/merge';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { basicSetup } from 'codemirror';
import { useEffect, useRef, useState } from 'react';
import { text } from '../../text';
import type { DiffProps } from './Editor';
import { extensionOf } from './languages';
import { looks, shadowOf } from './theme';

/** From this width on, in pixels, texts are side by side. */
const WIDE = 900;

export default function CodeDiff({ language, before, beforeLabel, after, afterLabel }: DiffProps) {
  const host = useRef<HTMLDivElement>(null);
  const [isWide, setWide] = useState(() => window.innerWidth >= WIDE);
  const about = JSON.stringify(language);

  useEffect(() => {
    const media = window.matchMedia(`(min-width: ${WIDE}px)`);
    const changed = () => setWide(media.matches);
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  }, []);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const { root, place } = shadowOf(element);
    const look = looks();
    const common = (label: string): Extension => [
      basicSetup,
      look.extension,
      extensionOf(JSON.parse(about) as DiffProps['language']),
      EditorView.lineWrapping,
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({ 'aria-label': label, 'aria-readonly': 'true', tabindex: '0' }),
      EditorState.phrases.of({ '$ unchanged lines': text.configurations.unchangedLines }),
    ];
    const collapseUnchanged = { margin: 3, minSize: 6 };
    let views: EditorView[];
    let destroy: () => void;
    if (isWide) {
      const merge = new MergeView({
        a: { doc: before, extensions: common(beforeLabel) },
        b: { doc: after, extensions: common(afterLabel) },
        root,
        parent: place,
        collapseUnchanged,
        gutter: true,
      });
      views = [merge.a, merge.b];
      destroy = () => merge.destroy();
    } else {
      const view = new EditorView({
        doc: after,
        root,
        parent: place,
        extensions: [
          common(`${beforeLabel}, ${afterLabel}`),
          unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged }),
        ],
      });
      views = [view];
      destroy = () => view.destroy();
    }
    const stop = look.follow(views);
    return () => {
      stop();
      destroy();
    };
  }, [about, before, beforeLabel, after, afterLabel, isWide]);

  return <div ref={host} className="brokerd-diff" />;
}
