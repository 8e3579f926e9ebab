import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { boundsOf, type Month, months, monthWords } from '../../model/months';
import { download } from '../../shared/download';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { useFlash } from '../../shell/flash';
import { keys } from '../../shell/live';
import { text } from '../../text';
import type { Broker } from './graphs/data';
import { readReport, readReportCsv, type ReportQuery } from './report/data';
import { Days } from './report/Days';
import { Summary } from './report/Summary';
import { CostLines, Failovers, Outages, Restarts } from './report/Tables';
import './monitoring.css';

const words = text.monitoring.report;

/** How long reports are kept, in months. Source: docs/reports.md. */
const MAX_MONTHS = 36;

/** The availability, incidents and cost of a broker in a month. */
export default function Report({ broker }: { broker: Broker }) {
  const [all] = useState(() => months(new Date(broker.created), new Date(), MAX_MONTHS));
  const [month, setMonth] = useState<Month>(all[0] ?? '');
  const query: ReportQuery = { ...boundsOf(month), granularity: 'DAY' };
  const found = useQuery({
    queryKey: [keys.broker, broker.brokerId, 'report', month],
    queryFn: () => readReport(broker.brokerId, query),
    placeholderData: keepPreviousData,
    // The present month grows by the minute.
    refetchInterval: month === all[0] ? 60_000 : false,
  });
  const options = all.map((one, index) => ({
    value: one,
    label: index === 0 ? words.soFar(monthWords(one)) : monthWords(one),
  }));
  const report = found.data;
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h2"
            description={words.help}
            actions={<DownloadButton broker={broker} month={month} query={query} />}
          >
            {words.title}
          </Header>
        }
      >
        <SpaceBetween size="l">
          <FormField label={words.month}>
            <div className="mon-name">
              <Select
                options={options}
                selectedOption={options.find(({ value }) => value === month) ?? null}
                onChange={({ detail }) => setMonth(detail.selectedOption.value ?? month)}
              />
            </div>
          </FormField>
          {found.error ? <Problem error={found.error} onRetry={() => void found.refetch()} /> : null}
          {found.isPending ? <Loading /> : null}
          {report ? <Summary report={report} /> : null}
        </SpaceBetween>
      </Container>
      {report?.total.missing.length ? (
        <Alert type="info" header={words.missing}>
          <ul>
            {report.total.missing.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </Alert>
      ) : null}
      {report ? (
        <SpaceBetween size="l">
          <Days report={report} />
          <Failovers report={report} isPair={broker.deploymentMode === 'ACTIVE_STANDBY_MULTI_AZ'} />
          <Outages report={report} />
          <Restarts report={report} />
          <CostLines report={report} />
        </SpaceBetween>
      ) : null}
    </SpaceBetween>
  );
}

function DownloadButton({ broker, month, query }: { broker: Broker; month: Month; query: ReportQuery }) {
  const [isBusy, setBusy] = useState(false);
  const flash = useFlash();
  const save = async () => {
    setBusy(true);
    try {
      download(`${broker.brokerName}-${month}.csv`, await readReportCsv(broker.brokerId, query));
    } catch (error) {
      flash.failed(words.downloadFailed, error);
    }
    setBusy(false);
  };
  return (
    <Button iconName="download" loading={isBusy} onClick={save}>
      {words.download}
    </Button>
  );
}
