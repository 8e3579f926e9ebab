// What brokers would cost in AWS, with or without a session. The lines are kept in the page's address.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { keepPreviousData, useQueries } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import { json } from '../../api/client';
import {
  costOf,
  csvOf,
  type Estimate,
  estimateQuery,
  type Line,
  linesOf,
  MAX_LINES,
  REGIONS,
  SAMPLE,
  SAMPLE_REGION,
  searchOf,
  totalOf,
} from '../../model/calculator';
import { money } from '../../model/money';
import { text } from '../../text';
import { LineForm } from './LineForm';

/** How long the person pauses before prices are asked for, in milliseconds. */
const PAUSE_MS = 300;

export default function Page() {
  const [, navigate] = useLocation();
  const search = useSearch();
  const { region, lines } = linesOf(search);
  const estimates = useEstimates(lines, region);
  const show = (there: string, these: Line[]) => {
    const next = searchOf(there, these);
    navigate(`/calculator${next ? `?${next}` : ''}`, { replace: true });
  };
  const costs = lines.map((line, at) => costOf(line, estimates[at]?.data));
  const total = totalOf(costs);
  const currency = estimates.find(({ data }) => data)?.data?.currency ?? '';
  const sum = total === undefined ? undefined : money(total, currency);
  const shared = searchOf(region, lines);
  const address = `${window.location.origin}/console/calculator${shared && `?${shared}`}`;
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={text.calculator.intro}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Copy what={text.calculator.share} value={address} />
            <Copy
              what={text.calculator.csv}
              value={csvOf(
                lines,
                estimates.map(({ data }) => data),
                region,
              )}
            />
            <Button onClick={() => show(SAMPLE_REGION, [SAMPLE])}>{text.calculator.reset}</Button>
          </SpaceBetween>
        }
      >
        {text.calculator.title}
      </Header>
      <Container>
        <FormField label={text.calculator.region} description={text.calculator.regionHelp}>
          <Select
            selectedOption={{ value: region, label: region }}
            options={REGIONS.map((value) => ({ value, label: value }))}
            filteringType="auto"
            onChange={({ detail }) => show(detail.selectedOption.value ?? region, lines)}
          />
        </FormField>
      </Container>
      {lines.map((line, at) => (
        <LineForm
          // Lines have no identity but their place.
          key={at}
          number={at + 1}
          line={line}
          estimate={estimates[at]?.data}
          error={estimates[at]?.error}
          isAlone={lines.length === 1}
          isFull={lines.length >= MAX_LINES}
          onChange={(changed) => show(region, lines.with(at, changed))}
          onDuplicate={() => show(region, [...lines.slice(0, at + 1), line, ...lines.slice(at + 1)])}
          onRemove={() => show(region, lines.toSpliced(at, 1))}
          onRetry={() => void estimates[at]?.refetch()}
        />
      ))}
      <Button iconName="add-plus" disabled={lines.length >= MAX_LINES} onClick={() => show(region, [...lines, SAMPLE])}>
        {text.calculator.add}
      </Button>
      <Container header={<Header variant="h2">{text.calculator.total}</Header>}>
        <div aria-live="polite">
          <Box variant="awsui-value-large" tagOverride="div">
            {sum ?? text.common.none}
          </Box>
          {sum === undefined ? <Box color="text-body-secondary">{text.calculator.noTotal}</Box> : null}
        </div>
      </Container>
    </SpaceBetween>
  );
}

function Copy({ what, value }: { what: string; value: string }) {
  return (
    <CopyToClipboard
      variant="button"
      copyButtonText={what}
      copyButtonAriaLabel={what}
      textToCopy={value}
      copySuccessText={text.common.copied}
      copyErrorText={text.common.failed}
    />
  );
}

/** The server's answers, one for each line. */
function useEstimates(lines: Line[], region: string) {
  const now = lines.map((line) => estimateQuery(line, region));
  const settled = useSettled(now.join('\n')).split('\n');
  // Places tell lines apart: when there are more or fewer, the former ones mean others.
  const queries = settled.length === now.length ? settled : now;
  return useQueries({
    queries: queries.map((query) => ({
      queryKey: ['calculator', query],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        json<Estimate>('GET', `/console/calculator?${query}`, undefined, signal),
      placeholderData: keepPreviousData,
      staleTime: Infinity,
    })),
  });
}

/** A text as it was when it was last left alone for a while. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
