// Colours of lines and markers, of both themes.
import {
  colorChartsPaletteCategorical1,
  colorChartsPaletteCategorical10,
  colorChartsPaletteCategorical2,
  colorChartsPaletteCategorical3,
  colorChartsPaletteCategorical4,
  colorChartsPaletteCategorical5,
  colorChartsPaletteCategorical6,
  colorChartsPaletteCategorical7,
  colorChartsPaletteCategorical8,
  colorChartsPaletteCategorical9,
  colorChartsPink600,
  colorChartsPurple700,
  colorChartsStatusCritical,
  colorChartsStatusHigh,
  colorChartsStatusInfo,
  colorChartsStatusLow,
  colorChartsStatusMedium,
  colorChartsStatusNeutral,
  colorChartsThresholdNegative,
} from '@cloudscape-design/design-tokens';
import type { MarkerKind } from '../../../model/markers';

const LINES = [
  colorChartsPaletteCategorical1,
  colorChartsPaletteCategorical2,
  colorChartsPaletteCategorical3,
  colorChartsPaletteCategorical4,
  colorChartsPaletteCategorical5,
  colorChartsPaletteCategorical6,
  colorChartsPaletteCategorical7,
  colorChartsPaletteCategorical8,
  colorChartsPaletteCategorical9,
  colorChartsPaletteCategorical10,
];

/** The colour of a line, by its place in the graph. */
export function lineColour(index: number): string {
  return LINES[index % LINES.length] as string;
}

export const MARKER_COLOURS: Record<MarkerKind, string> = {
  failover: colorChartsPurple700,
  fault: colorChartsStatusMedium,
  outage: colorChartsStatusHigh,
  restart: colorChartsStatusLow,
  failure: colorChartsStatusCritical,
  maintenance: colorChartsStatusInfo,
  alarm: colorChartsPink600,
  request: colorChartsStatusNeutral,
};

export const THRESHOLD_COLOUR: string = colorChartsThresholdNegative;
