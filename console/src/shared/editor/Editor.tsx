// An editor of documents. What it needs is loaded when one is shown.
import { lazy, Suspense } from 'react';
import { Loading } from '../Loading';
import type { Language } from './languages';

/** Something that is said of a part of a text. */
export interface Mark {
  from: number;
  to: number;
  severity: 'error' | 'warning' | 'info' | 'hint';
  message: string;
}

export interface EditorProps {
  /** What it is, for people who hear it. */
  label: string;
  language: Language;
  value: string;
  onChange?: (value: string) => void;
  /** What brokerd said of the text as it is now. */
  marks?: Mark[];
  /** Told what is marked, whenever that has changed. */
  onFindings?: (found: Mark[]) => void;
  /** Where the cursor is to go; another object each time. */
  jump?: { at: number } | undefined;
  isReadOnly?: boolean;
  hasFocus?: boolean;
  /** The most lines that are shown at once. */
  lines?: number;
}

const CodeEditor = lazy(() => import('./CodeEditor'));
const CodeDiff = lazy(() => import('./CodeDiff'));

/** Edits a text in its language. */
export function Editor(props: EditorProps) {
  return (
    <Suspense fallback={<Loading />}>
      <CodeEditor {...props} />
    </Suspense>
  );
}

export interface DiffProps {
  language: Language;
  /** The former text, and what it is called. */
  before: string;
  beforeLabel: string;
  after: string;
  afterLabel: string;
}

/** Shows what is different in two texts: side by side, or in one where there is no room. */
export function Diff(props: DiffProps) {
  return (
    <Suspense fallback={<Loading />}>
      <CodeDiff {...props} />
    </Suspense>
  );
}
