// Series of values as lines, with their gaps.

/** A value at a moment, in milliseconds since 1970. */
export interface Point {
  at: number;
  value: number;
}

/** The values of one metric of one thing. */
export interface Series {
  /** What tells it from the others of a graph. */
  label: string;
  points: Point[];
}

/** The parts of a series between its gaps. A period without a value is a gap: nothing was measured then. */
export function segments(points: Point[], periodSeconds: number): Point[][] {
  // Half a period of grace, for clocks that were set.
  const longest = periodSeconds * 1500;
  const parts: Point[][] = [];
  let previous: Point | undefined;
  for (const point of points) {
    if (previous && point.at - previous.at <= longest) parts.at(-1)?.push(point);
    else parts.push([point]);
    previous = point;
  }
  return parts;
}

/** A part as a line of some length: a point between two gaps lasts `half` milliseconds to each side, or nobody would see it. */
export function drawn(part: Point[], half: number): Point[] {
  const [only, ...others] = part;
  if (!only || others.length) return part;
  return [
    { at: only.at - half, value: only.value },
    { at: only.at + half, value: only.value },
  ];
}

/** A row of a table: a moment, and the values of the series then. */
export interface Row {
  at: number;
  values: (number | undefined)[];
}

/** The series as a table, the newest row first. A gap of all series within the range has rows without values. */
export function rows(series: Series[], periodSeconds: number): Row[] {
  const byTime = new Map<number, Row>();
  const empty = () => series.map(() => undefined);
  series.forEach(({ points }, index) => {
    for (const { at, value } of points) {
      const row = byTime.get(at) ?? { at, values: empty() };
      row.values[index] = value;
      byTime.set(at, row);
    }
  });
  const times = [...byTime.keys()].sort((one, other) => one - other);
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return [];
  for (let at = first; at < last; at += periodSeconds * 1000) {
    if (!byTime.has(at)) byTime.set(at, { at, values: empty() });
  }
  return [...byTime.values()].sort((one, other) => other.at - one.at);
}

/** The newest value. */
export function newest(points: Point[]): number | undefined {
  return points.at(-1)?.value;
}

/** A result of GetMetricData. Values that are no numbers are told as text. */
export interface MetricDataResult {
  Id: string;
  Timestamps: (number | string)[];
  Values: (number | string)[];
}

/** The points of a result, oldest first. Times are seconds since 1970. */
export function pointsOf({ Timestamps, Values }: Pick<MetricDataResult, 'Timestamps' | 'Values'>): Point[] {
  const points = Timestamps.map((at, index) => ({ at: moment(at), value: Number(Values[index]) }));
  return points
    .filter(({ at, value }) => Number.isFinite(at) && Number.isFinite(value))
    .sort((one, other) => one.at - other.at);
}

/** A moment of CloudWatch, seconds since 1970 or ISO 8601, in milliseconds. */
export function moment(at: number | string): number {
  return typeof at === 'number' ? at * 1000 : Date.parse(at);
}
