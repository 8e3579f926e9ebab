// Reports, as they are read.
import { answer, api, checked, regionHeaders, type Schemas } from '../../../api/client';
import { ApiError } from '../../../api/errors';

export type Report = Schemas['GetBrokerReportResponse'];

export interface ReportQuery {
  from: string;
  to?: string;
  granularity?: 'TOTAL' | 'DAY' | 'MONTH';
}

/** The report of a broker. */
export async function readReport(brokerId: string, query: ReportQuery): Promise<Report> {
  const call = api.GET('/brokerd/v1/brokers/{broker-id}/report', {
    params: { path: { 'broker-id': brokerId }, query },
  });
  // It is a text only where CSV is asked for.
  return (await answer(call)) as Report;
}

/** The same as CSV: a row for each part of the period. A link can't choose the region, so it is fetched. */
export async function readReportCsv(brokerId: string, query: ReportQuery): Promise<Blob> {
  const parameters = new URLSearchParams({ ...query, format: 'csv' });
  let response: Response;
  try {
    response = await fetch(`/brokerd/v1/brokers/${encodeURIComponent(brokerId)}/report?${parameters}`, {
      headers: regionHeaders(),
      credentials: 'same-origin',
    });
  } catch (error) {
    throw ApiError.unreachable(error);
  }
  return (await checked(response)).blob();
}
