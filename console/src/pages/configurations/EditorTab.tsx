// The editor of the content, with what the server said of it.
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '../../api/errors';
import { useSession } from '../../api/session';
import { dropped } from '../../model/activemq';
import { placeIn } from '../../model/place';
import { download } from '../../shared/download';
import { Editor, type Mark } from '../../shared/editor/Editor';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import { type Configuration, describe, fileName, keys, readContent } from './data';
import { useDraft } from './drafts';
import { languageOf } from './language';
import { NewerRevision } from './NewerRevision';
import { SaveRevision, type Saved } from './SaveRevision';
import { useContent } from './useContent';

const words = text.configurations;

/** What the server said of the text that is in the editor. */
type Verdict = { kind: 'refused'; message: string; marks: Mark[] } | { kind: 'saved'; revision: number; marks: Mark[] };

interface Props {
  configuration: Configuration;
  onSaved: () => Promise<unknown>;
}

export function EditorTab({ configuration, onSaved }: Props) {
  const { id, latestRevision } = configuration;
  const latest = latestRevision.revision;
  const session = useSession();
  const flash = useFlash();
  const queries = useQueryClient();
  const [draft, setDraft] = useDraft(session.arn, id);
  const [verdict, setVerdict] = useState<Verdict>();
  const [isSaving, setSaving] = useState(false);
  const [isComparing, setComparing] = useState(false);
  const [findings, setFindings] = useState<Mark[]>([]);
  const [jump, setJump] = useState<{ at: number }>();
  const base = draft?.base ?? latest;
  const content = useContent(id, base);
  const language = languageOf(configuration);
  const isStale = draft !== undefined && draft.base < latest;
  const value = draft?.text ?? content.data ?? '';
  const isChanged = draft !== undefined && draft.text !== content.data;

  const edit = (written: string) => {
    setVerdict(undefined);
    setDraft(written === content.data && !isStale ? undefined : { base, text: written });
  };
  const leave = () => {
    setVerdict(undefined);
    setDraft(undefined);
  };
  const begin = async () => {
    // Somebody may have saved since the page looked.
    const now = await describe(id).catch(() => undefined);
    const isOld = now !== undefined && now.latestRevision.revision > base;
    if (isOld) await onSaved();
    else setSaving(true);
  };
  const saved = async ({ revision, warnings }: Saved) => {
    setSaving(false);
    if (revision > base + 1) {
      flash.show({ type: 'warning', content: words.between(base + 1, revision - 1) });
    }
    const reading = { queryKey: keys.revision(id, revision), queryFn: () => readContent(id, revision) };
    const stored = await queries.fetchQuery(reading).catch(() => undefined);
    if (warnings.length) {
      const marks = stored === undefined ? [] : removed(value, stored, warnings, configuration);
      setDraft({ base: revision, text: value });
      setVerdict({ kind: 'saved', revision, marks });
    } else {
      leave();
      flash.done(words.saved(revision));
    }
    await onSaved();
  };
  const refused = (error: ApiError) => {
    setSaving(false);
    const place = placeIn(value, error.message);
    const marks: Mark[] = place ? [{ ...place, severity: 'error', message: error.message }] : [];
    setVerdict({ kind: 'refused', message: error.message, marks });
  };

  if (content.error) return <Problem error={content.error} onRetry={() => void content.refetch()} />;
  if (content.data === undefined) return <Loading />;
  return (
    <SpaceBetween size="m">
      {isStale ? (
        <Alert
          type="warning"
          header={words.newer(latest)}
          action={
            <SpaceBetween direction="horizontal" size="xs">
              <Button onClick={() => setComparing(true)}>{words.newerShow}</Button>
              <Button onClick={leave}>{words.newerTake(latest)}</Button>
            </SpaceBetween>
          }
        >
          {words.newerHelp(draft.base)}
        </Alert>
      ) : null}
      {verdict ? (
        <VerdictAlert verdict={verdict} value={value} onJump={(at) => setJump({ at })} onShowSaved={leave} />
      ) : null}
      <Container
        header={
          <Header
            variant="h2"
            description={words.editorHelp}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="download" onClick={() => download(fileName(configuration, base), value)}>
                  {words.download}
                </Button>
                <Button disabled={!isChanged && !isStale} onClick={leave}>
                  {words.discard}
                </Button>
                <Button variant="primary" disabled={!isChanged || isStale} onClick={() => void begin()}>
                  {words.save}
                </Button>
              </SpaceBetween>
            }
          >
            {isChanged ? words.edited(base) : words.editing(base)}
          </Header>
        }
      >
        <Editor
          label={words.editing(base)}
          language={language}
          value={value}
          onChange={edit}
          marks={verdict?.marks ?? []}
          onFindings={setFindings}
          jump={jump}
          lines={32}
        />
        {findings.length && !verdict ? (
          <ExpandableSection headerText={words.problems(findings.length)} defaultExpanded>
            <Places marks={findings} value={value} onJump={(at) => setJump({ at })} />
          </ExpandableSection>
        ) : null}
      </Container>
      {isSaving ? (
        <SaveRevision
          configuration={configuration}
          before={content.data}
          base={base}
          after={value}
          title={words.saveTitle(latest + 1)}
          intro={words.saveIntro}
          onClose={() => setSaving(false)}
          onSaved={saved}
          onRefused={refused}
        />
      ) : null}
      {isComparing && draft ? (
        <NewerRevision
          configuration={configuration}
          draft={draft.text}
          onClose={() => setComparing(false)}
          onKeep={() => {
            setDraft({ base: latest, text: draft.text });
            setComparing(false);
          }}
          onTake={() => {
            leave();
            setComparing(false);
          }}
        />
      ) : null}
    </SpaceBetween>
  );
}

/** Where what was removed had been. */
function removed(sent: string, stored: string, warnings: Saved['warnings'], about: Configuration): Mark[] {
  const target = { version: about.engineVersion, strategy: about.authenticationStrategy };
  return dropped(sent, stored, warnings, target).map((fault) => ({
    from: fault.from,
    to: fault.to,
    severity: 'warning',
    message: words.removed(fault),
  }));
}

interface VerdictProps {
  verdict: Verdict;
  value: string;
  onJump: (at: number) => void;
  onShowSaved: () => void;
}

function VerdictAlert({ verdict, value, onJump, onShowSaved }: VerdictProps) {
  const places = <Places marks={verdict.marks} value={value} onJump={onJump} />;
  if (verdict.kind === 'refused') {
    return (
      <Alert type="error" header={words.refused}>
        {verdict.marks.length ? places : verdict.message}
      </Alert>
    );
  }
  return (
    <Alert
      type="warning"
      header={words.savedWithout(verdict.revision, verdict.marks.length)}
      action={<Button onClick={onShowSaved}>{words.showSaved}</Button>}
    >
      {words.savedWithoutHelp}
      {places}
    </Alert>
  );
}

/** What is said of a text, with links to the places. */
function Places({ marks, value, onJump }: { marks: Mark[]; value: string; onJump: (at: number) => void }) {
  const lineOf = (at: number) => value.slice(0, at).split('\n').length;
  return (
    <ul>
      {marks.map((mark) => (
        <li key={`${mark.from} ${mark.message}`}>
          <Link onFollow={() => onJump(mark.from)}>{words.line(lineOf(mark.from))}</Link>: {mark.message}
        </li>
      ))}
    </ul>
  );
}
