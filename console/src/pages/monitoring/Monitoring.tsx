import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMemo, useState } from 'react';
import { isOn } from '../../model/alarm';
import { linesOf, type Marker, MARKER_KINDS, markersOf, USUAL_KINDS } from '../../model/markers';
import { type Level, type Panel, panelsOf } from '../../model/metrics';
import { firstSpan } from '../../model/range';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { text } from '../../text';
import { AlarmForm } from './alarms/AlarmForm';
import { Alarms } from './alarms/Alarms';
import { type Alarm, type AlarmDraft, newAlarm, useAlarms } from './alarms/data';

import { MARKER_COLOURS } from './graphs/colours';
import { type Choices, Controls, Refresh } from './graphs/Controls';
import { type Broker, type Measurements, type Name, useHappened, useMetrics, useNames } from './graphs/data';
import { Graph, type GraphData, Lines } from './graphs/Graph';
import { HappenedTable } from './graphs/Happened';
import { ScopeChooser, scopeOf } from './graphs/ScopeChooser';
import './monitoring.css';

/** Most thresholds of alarms in a graph. */
const MAX_THRESHOLDS = 3;
const NEWEST_EVENTS = 100;

/** The graphs of a broker with what happened to it, and its alarms. */
export default function Monitoring({ broker }: { broker: Broker }) {
  const [choices, setChoices] = useState<Choices>(() => ({
    range: { kind: 'relative', minutes: firstSpan(Date.parse(broker.created), Date.now()) },
    statistic: 'Average',
    period: undefined,
    kinds: USUAL_KINDS,
    isLive: true,
    isTable: false,
  }));
  const [{ level, name }, setScope] = useState<{ level: Level; name?: Name | undefined }>({ level: 'broker' });
  const [draft, setDraft] = useState<AlarmDraft>();
  const scope = useMemo(() => scopeOf(level, name), [level, name]);
  const isRabbit = broker.engineType.toUpperCase() === 'RABBITMQ';
  const nodes = useNames(broker, 'node', isRabbit && level === 'node');
  const nodeNames = useMemo(() => (nodes.data ?? []).map((node) => node.name), [nodes.data]);
  const isNaming = isRabbit && level === 'node' && nodes.isPending;
  const asked = isNaming ? undefined : scope;
  const of = level === 'node' ? nodeNames : [];
  const metrics = useMetrics(broker, { ...choices, scope: asked, choice: choices.range }, of);
  const alarms = useAlarms(broker);
  const shown = metrics.data;
  const { happened, errors } = useHappened(broker, shown?.range);
  const markers = useMemo(
    () => (shown ? markersOf(happened, shown.range, choices.kinds) : []),
    [happened, shown, choices.kinds],
  );
  const change = (changed: Partial<Choices>) => setChoices((now) => ({ ...now, ...changed }));
  const oldest = happened.events?.at(-1);
  const isPartial =
    happened.events?.length === NEWEST_EVENTS &&
    shown !== undefined &&
    oldest !== undefined &&
    Date.parse(oldest.at) > shown.range.from;
  return (
    <SpaceBetween size="l">
      <Alarms broker={broker} onCreate={() => setDraft(newAlarm(broker))} onEdit={setDraft} />
      <Container
        header={
          <Header
            variant="h2"
            description={text.monitoring.graphsHelp}
            actions={
              <Refresh
                isLive={choices.isLive}
                isLoading={metrics.isFetching}
                onLive={(isLive) => change({ isLive })}
                onRefresh={() => void metrics.refetch()}
              />
            }
          >
            {text.monitoring.graphs}
          </Header>
        }
      >
        <SpaceBetween size="m">
          <Controls choices={choices} onChange={change} period={shown?.period}>
            <ScopeChooser
              broker={broker}
              level={level}
              name={name}
              onChange={(chosen, named) => setScope({ level: chosen, name: named })}
            />
          </Controls>
          <MarkerLegend markers={markers} />
        </SpaceBetween>
      </Container>
      {errors.length ? (
        <Alert type="info">{text.monitoring.happenedPartly(errors.map(sentence).join(' '))}</Alert>
      ) : null}
      {metrics.error ? <Problem error={metrics.error} onRetry={() => void metrics.refetch()} /> : null}
      {scope === undefined ? (
        <Box textAlign="center" color="text-body-secondary" padding="xl">
          {text.monitoring.chooseFirst}
        </Box>
      ) : shown && !isNaming ? (
        <Graphs {...{ broker, level, shown, choices, markers }} alarms={alarms.data?.alarms ?? []} onAlarm={setDraft} />
      ) : metrics.isPending ? (
        <Loading />
      ) : null}
      <HappenedTable markers={markers} isPartial={isPartial} />
      {draft ? <AlarmForm broker={broker} draft={draft} onClose={() => setDraft(undefined)} /> : null}
    </SpaceBetween>
  );
}

/** Which dashed line stands for what. */
function MarkerLegend({ markers }: { markers: Marker[] }) {
  const kinds = MARKER_KINDS.map((kind) => ({ kind, count: markers.filter((one) => one.kind === kind).length }));
  const shown = kinds.filter(({ count }) => count > 0);
  if (shown.length === 0) return null;
  return (
    <ul className="mon-legend" aria-label={text.monitoring.markersShown}>
      {shown.map(({ kind, count }) => (
        <li key={kind} className="mon-kind">
          <span className="mon-marker" style={{ color: MARKER_COLOURS[kind] }} />
          <Box fontSize="body-s">{text.monitoring.markers.several(text.monitoring.markers.titles[kind], count)}</Box>
        </li>
      ))}
    </ul>
  );
}

const sentence = (error: unknown) => (error instanceof Error ? error.message : String(error));

interface GraphsProps {
  broker: Broker;
  level: Level;
  shown: Measurements;
  choices: Choices;
  markers: Marker[];
  alarms: Alarm[];
  onAlarm: (draft: AlarmDraft) => void;
}

function Graphs({ broker, level, shown, choices, markers, alarms, onAlarm }: GraphsProps) {
  const [tables, setTables] = useState<Record<string, boolean>>({});
  const [enlarged, setEnlarged] = useState<string>();
  const lines = useMemo(() => linesOf(markers, shown.range, shown.period), [markers, shown]);
  const dataOf = (panel: Panel): GraphData => {
    const measurements = shown.measurements.filter((one) => one.panel === panel.id);
    const on = alarms.filter((alarm) => measurements.some((one) => isOn(alarm, one.metric, one.dimensions)));
    return {
      title: text.monitoring.panels[panel.id],
      unit: panel.unit,
      range: shown.range,
      period: shown.period,
      measurements,
      lines,
      thresholds: on.slice(0, MAX_THRESHOLDS).map((alarm) => ({ name: alarm.AlarmName, value: alarm.Threshold })),
    };
  };
  const panels = panelsOf(broker.engineType, level);
  const isMeasured = (panel: Panel) => shown.measurements.some((one) => one.panel === panel.id && one.points.length);
  // What this engine's version does not measure is not shown as an empty frame.
  const drawn = panels.filter(isMeasured);
  const large = drawn.find(({ id }) => id === enlarged);
  if (drawn.length === 0) {
    return (
      <Container>
        <Box textAlign="center" padding="xl">
          <Box variant="strong">{text.monitoring.noDataAtAll}</Box>
          <Box variant="p" color="text-body-secondary">
            {text.monitoring.noDataHelp}
          </Box>
        </Box>
      </Container>
    );
  }
  return (
    <>
      <div className="mon-grid">
        {drawn.map((panel) => {
          const data = dataOf(panel);
          const first = data.measurements.find(({ points }) => points.length) ?? data.measurements[0];
          return (
            <Graph
              key={panel.id}
              {...data}
              isTable={tables[panel.id] ?? choices.isTable}
              onTable={(isTable) => setTables((now) => ({ ...now, [panel.id]: isTable }))}
              onEnlarge={() => setEnlarged(panel.id)}
              onAlarm={() => onAlarm(newAlarm(broker, first && { ...first, statistic: choices.statistic }))}
            />
          );
        })}
      </div>
      {large ? (
        <Modal
          visible
          size="max"
          header={text.monitoring.panels[large.id]}
          closeAriaLabel={text.common.close}
          onDismiss={() => setEnlarged(undefined)}
        >
          <Lines {...dataOf(large)} height={400} />
        </Modal>
      ) : null}
    </>
  );
}
