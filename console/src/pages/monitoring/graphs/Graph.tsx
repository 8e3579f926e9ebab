import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { lazy, Suspense, useState } from 'react';
import type { Line } from '../../../model/markers';
import type { Range } from '../../../model/range';
import { newest } from '../../../model/series';
import { amount, type Unit } from '../../../model/units';
import { Loading } from '../../../shared/Loading';
import { text } from '../../../text';
import { lineColour, THRESHOLD_COLOUR } from './colours';
import type { Measurement } from './data';
import type { Threshold } from './Plot';
import { ValueTable } from './ValueTable';

const Plot = lazy(() => import('./Plot'));

export interface GraphData {
  title: string;
  unit: Unit;
  range: Range;
  period: number;
  measurements: Measurement[];
  lines: Line[];
  thresholds: Threshold[];
}

interface Props extends GraphData {
  isTable: boolean;
  onTable: (isTable: boolean) => void;
  onEnlarge: () => void;
  onAlarm: () => void;
}

/** A graph in its frame, or its values as a table. */
export function Graph({ isTable, onTable, onEnlarge, onAlarm, ...data }: Props) {
  const { title } = data;
  return (
    <Container
      fitHeight
      header={
        <Header
          variant="h3"
          actions={
            <SpaceBetween direction="horizontal" size="xxs">
              <Button
                variant="icon"
                iconName={isTable ? 'zoom-to-fit' : 'list-view'}
                ariaLabel={isTable ? text.monitoring.showGraph(title) : text.monitoring.showTable(title)}
                onClick={() => onTable(!isTable)}
              />
              <Button
                variant="icon"
                iconName="notification"
                ariaLabel={text.monitoring.createAlarm(title)}
                onClick={onAlarm}
              />
              <Button variant="icon" iconName="expand" ariaLabel={text.monitoring.enlarge(title)} onClick={onEnlarge} />
            </SpaceBetween>
          }
        >
          {title}
        </Header>
      }
    >
      {isTable ? <ValueTable {...data} /> : <Lines {...data} height={180} />}
    </Container>
  );
}

/** The lines with their legend, whose entries hide and show them. */
export function Lines({ height, ...data }: GraphData & { height: number }) {
  const { title, unit, range, period, measurements, lines, thresholds } = data;
  const [hidden, setHidden] = useState<readonly string[]>([]);
  const measured = measurements.filter(({ points }) => points.length > 0);
  if (measured.length === 0) {
    return (
      <div className="mon-plot-space">
        <Box color="text-status-inactive" padding={{ vertical: 'xxl' }} textAlign="center">
          {text.monitoring.noData}
        </Box>
      </div>
    );
  }
  const series = measured.map(({ label, points }, index) => ({ label, points, index }));
  const toggle = (label: string) =>
    setHidden((now) => (now.includes(label) ? now.filter((one) => one !== label) : [...now, label]));
  return (
    <>
      <div className="mon-plot-space">
        <Suspense fallback={<Loading />}>
          <Plot
            title={title}
            unit={unit}
            range={range}
            period={period}
            series={series.filter(({ label }) => !hidden.includes(label))}
            lines={lines}
            thresholds={thresholds}
            height={height}
          />
        </Suspense>
      </div>
      <ul className="mon-legend" aria-label={`${title}: ${text.monitoring.legend}`}>
        {series.map(({ label, points, index }) => {
          const isShown = !hidden.includes(label);
          const value = newest(points);
          return (
            <li key={label}>
              <button
                type="button"
                aria-pressed={isShown}
                title={isShown ? text.monitoring.hideLine(label) : text.monitoring.showLine(label)}
                onClick={() => toggle(label)}
              >
                <span className="mon-legend-swatch" style={{ background: lineColour(index) }} />
                {label}
                {value === undefined ? '' : ` ${amount(value, unit)}`}
              </button>
            </li>
          );
        })}
        {thresholds.map(({ name, value }) => (
          <li key={`alarm ${name}`}>
            <Box fontSize="body-s">
              <span className="mon-legend-threshold">
                <span className="mon-legend-swatch-dashed" style={{ color: THRESHOLD_COLOUR }} />
                {text.monitoring.alarmThreshold(name)} {amount(value, unit)}
              </span>
            </Box>
          </li>
        ))}
      </ul>
    </>
  );
}
