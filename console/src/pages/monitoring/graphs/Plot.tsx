import Box from '@cloudscape-design/components/box';
import LineChart from '@cloudscape-design/components/line-chart';
import type { MixedLineBarChartProps } from '@cloudscape-design/components/mixed-line-bar-chart';
import { useMemo } from 'react';
import type { Line } from '../../../model/markers';
import { type Range, tickWords } from '../../../model/range';
import { drawn, type Series, segments } from '../../../model/series';
import { amount, type Axis, axisOf, type Unit } from '../../../model/units';
import { text } from '../../../text';
import { lineColour, MARKER_COLOURS, THRESHOLD_COLOUR } from './colours';

/** A threshold of an alarm. */
export interface Threshold {
  name: string;
  value: number;
}

export interface PlotProps {
  title: string;
  unit: Unit;
  range: Range;
  period: number;
  /** Those that are shown. The place of a series in the graph chooses its colour. */
  series: (Series & { index: number })[];
  lines: Line[];
  thresholds: Threshold[];
  height: number;
}

/** A line is at least this part of a graph's width. */
const MIN_SEEN = 120;

type ChartSeries = MixedLineBarChartProps.LineDataSeries<Date> | MixedLineBarChartProps.ThresholdSeries<Date>;

const moments = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

/** The lines of a graph. Each part between two gaps is a series of its own: the chart would draw over gaps. */
function chartSeries({ unit, range, period, series, lines, thresholds }: PlotProps, { divisor }: Axis): ChartSeries[] {
  const half = Math.max(period * 500, (range.to - range.from) / MIN_SEEN / 2);
  const valueFormatter = (divided: number) => amount(divided * divisor, unit);
  return [
    ...series.flatMap(({ label, index, points }) =>
      segments(points, period).map((part) => ({
        type: 'line' as const,
        title: label,
        color: lineColour(index),
        data: drawn(part, half).map(({ at, value }) => ({ x: new Date(at), y: value / divisor })),
        valueFormatter,
      })),
    ),
    ...thresholds.map(({ name, value }) => ({
      type: 'threshold' as const,
      title: text.monitoring.alarmThreshold(name),
      color: THRESHOLD_COLOUR,
      y: value / divisor,
      valueFormatter,
    })),
    ...lines.map(({ kind, at, title }) => ({
      type: 'threshold' as const,
      title,
      color: MARKER_COLOURS[kind],
      x: new Date(at),
    })),
  ];
}

/** In words, for those who do not see it. */
function summary({ period, series, lines }: PlotProps): string {
  const gaps = series.map(({ points }) => Math.max(0, segments(points, period).length - 1));
  return text.monitoring.chartSummary(
    series.length,
    gaps.reduce((sum, count) => sum + count, 0),
    lines.map(({ title }) => title).join(', '),
  );
}

/** A line chart with gaps and markers. */
export default function Plot(props: PlotProps) {
  const { title, unit, range, lines, height } = props;
  const axis = useMemo(() => {
    const values = props.series.flatMap(({ points }) => points.map(({ value }) => value));
    const largest = [...values, ...props.thresholds.map(({ value }) => value)].reduce((a, b) => Math.max(a, b), 0);
    return axisOf(unit, largest);
  }, [props.series, props.thresholds, unit]);
  const shown = useMemo(() => chartSeries(props, axis), [props, axis]);
  const isZero = shown.every((one) => one.type !== 'line' || one.data.every(({ y }) => y === 0));
  // An axis from zero to zero has no marks.
  const isFlat = isZero && props.thresholds.length === 0;
  const near = (at: Date) => lines.filter((line) => Math.abs(line.at - at.getTime()) <= props.period * 1000);
  const ticks = useMemo(() => tickWords(range), [range]);
  return (
    <div className="mon-plot">
      <LineChart
        series={shown}
        xScaleType="time"
        xDomain={[new Date(range.from), new Date(range.to)]}
        yDomain={isFlat ? [0, 1] : undefined}
        height={height}
        hideFilter
        hideLegend
        ariaLabel={title}
        ariaDescription={summary(props)}
        detailPopoverFooter={(at) => (
          <Box fontSize="body-s" color="text-body-secondary">
            {moments.format(at)}
            {near(at).map((line) => (
              <div key={`${line.kind}${line.at}`}>{line.title}</div>
            ))}
          </Box>
        )}
        i18nStrings={{
          chartAriaRoleDescription: text.monitoring.chart,
          xAxisAriaRoleDescription: text.monitoring.xAxis,
          yAxisAriaRoleDescription: text.monitoring.yAxis,
          detailPopoverDismissAriaLabel: text.common.close,
          xTickFormatter: ticks,
          yTickFormatter: axis.tick,
        }}
        empty={
          <Box textAlign="center" color="inherit">
            {text.monitoring.noData}
          </Box>
        }
      />
    </div>
  );
}
