import BarChart from '@cloudscape-design/components/bar-chart';
import { colorChartsStatusHigh, colorChartsStatusNeutral } from '@cloudscape-design/design-tokens';
import { useMemo } from 'react';
import { dayWords } from '../../../model/months';
import { text } from '../../../text';
import type { Report } from './data';

const words = text.monitoring.report;

/** A bar for each day: its minutes without the broker, and those of which nobody knows. */
export default function DayChart({ periods }: { periods: Report['periods'] }) {
  const series = useMemo(() => {
    const bars = (title: string, color: string, minutes: (day: Report['periods'][number]) => number) => ({
      type: 'bar' as const,
      title,
      color,
      data: periods.map((day) => ({ x: dayWords(day.from), y: minutes(day) })),
      valueFormatter: words.minutes,
    });
    return [
      bars(words.chartUnavailable, colorChartsStatusHigh, ({ availability }) => availability.unavailableMinutes),
      bars(words.chartUnknown, colorChartsStatusNeutral, ({ availability }) => availability.unknownMinutes),
    ];
  }, [periods]);
  return (
    <BarChart
      series={series}
      xScaleType="categorical"
      stackedBars
      height={180}
      hideFilter
      ariaLabel={words.chart}
      xTitle={words.xDay}
      yTitle={words.yMinutes}
      i18nStrings={{
        chartAriaRoleDescription: text.monitoring.chart,
        xAxisAriaRoleDescription: text.monitoring.xAxis,
        yAxisAriaRoleDescription: text.monitoring.yAxis,
        detailPopoverDismissAriaLabel: text.common.close,
        legendAriaLabel: text.monitoring.legend,
      }}
    />
  );
}
