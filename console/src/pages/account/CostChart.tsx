// Costs as bars; loaded when there are some.
import BarChart from '@cloudscape-design/components/bar-chart';
import { text } from '../../text';

interface Props {
  title: string;
  currency: string;
  bars: { label: string; value: number }[];
}

export default function CostChart({ title, currency, bars }: Props) {
  const words = text.account.usage;
  return (
    <BarChart
      series={[
        {
          type: 'bar',
          title: words.amount(currency),
          data: bars.map(({ label, value }) => ({ x: label, y: value })),
          valueFormatter: (value) => value.toFixed(2),
        },
      ]}
      xDomain={bars.map(({ label }) => label)}
      xScaleType="categorical"
      yTitle={words.amount(currency)}
      xTitle={words.month}
      ariaLabel={title}
      height={220}
      hideFilter
      hideLegend
      i18nStrings={{ xTickFormatter: (label) => label, yTickFormatter: (value) => String(value) }}
    />
  );
}
