// The certificates that clients have to trust.
import Alert from '@cloudscape-design/components/alert';
import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { Fragment } from 'react';
import { checked } from '../../api/client';
import { ApiError } from '../../api/errors';
import { useSession } from '../../api/session';
import { type Certificate, certificatesIn, fingerprint } from '../../model/certificate';
import { CopyText } from '../../shared/CopyText';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { Time } from '../../shared/Time';
import { text } from '../../text';

const ADDRESS = '/brokerd/v1/ca.pem';
const DAY_MS = 86_400_000;
/** From when on the documentation asks to rotate, in days. */
const ROTATE_DAYS = 180;

interface Row extends Certificate {
  /** Only the first one issues. */
  isCurrent: boolean;
  sha256: string | undefined;
}

async function read(): Promise<Row[]> {
  const response = await fetch(ADDRESS).catch((error: unknown) => {
    throw ApiError.unreachable(error);
  });
  const certificates = certificatesIn(await (await checked(response)).text());
  return Promise.all(
    certificates.map(async (certificate, at) => ({
      ...certificate,
      isCurrent: at === 0,
      sha256: await fingerprint(certificate),
    })),
  );
}

const daysLeft = ({ notAfter }: Certificate) => Math.floor((notAfter.getTime() - Date.now()) / DAY_MS);

export function Certificates() {
  const { apiUrl } = useSession();
  const query = useQuery({ queryKey: ['ca'], queryFn: read });
  if (query.isPending) return <Loading />;
  if (query.isError) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  const [current] = query.data;
  return (
    <SpaceBetween size="l">
      {current && daysLeft(current) < ROTATE_DAYS ? <Alert type="warning">{text.operator.expiring}</Alert> : null}
      <Table
        variant="container"
        wrapLines
        items={query.data}
        ariaLabels={{ tableLabel: text.operator.certificates }}
        empty={text.operator.noCertificates}
        header={
          <Header
            variant="h2"
            description={text.operator.certificatesIntro}
            actions={
              <Button iconName="download" href={ADDRESS} download="ca.pem">
                {text.operator.download}
              </Button>
            }
          >
            {text.operator.certificates}
          </Header>
        }
        columnDefinitions={[
          { id: 'subject', header: text.operator.name, cell: (row) => row.subject, isRowHeader: true, minWidth: 120 },
          {
            id: 'use',
            header: text.operator.use,
            cell: (row) => (row.isCurrent ? <Badge color="green">{text.operator.issues}</Badge> : text.operator.former),
            minWidth: 120,
          },
          {
            id: 'from',
            header: text.operator.validFrom,
            cell: (row) => <Time value={row.notBefore} />,
            minWidth: 150,
          },
          {
            id: 'until',
            header: text.operator.validUntil,
            cell: (row) => (
              <>
                <Time value={row.notAfter} />
                <Box color="text-body-secondary">{text.operator.expiresIn(daysLeft(row))}</Box>
              </>
            ),
            minWidth: 150,
          },
          {
            id: 'sha256',
            header: text.operator.fingerprint,
            cell: (row) => (row.sha256 ? <Breakable value={row.sha256} /> : text.operator.noFingerprint),
            minWidth: 220,
            maxWidth: 300,
          },
          {
            id: 'pem',
            header: text.operator.pem,
            cell: (row) => (
              <CopyToClipboard
                variant="icon"
                textToCopy={row.pem}
                copyButtonAriaLabel={`${text.operator.copyPem}: ${row.subject}`}
                copySuccessText={text.common.copied}
                copyErrorText={text.common.failed}
              />
            ),
            minWidth: 80,
          },
        ]}
        footer={
          <SpaceBetween size="xs">
            <Box>{text.operator.fetch}</Box>
            <Box variant="code">
              <CopyText value={text.operator.fetchCommand(apiUrl)} label={text.operator.fetch} />
            </Box>
          </SpaceBetween>
        }
      />
    </SpaceBetween>
  );
}

/** A fingerprint that may be broken into lines at its colons. */
function Breakable({ value }: { value: string }) {
  return value.split(/(?<=:)/).map((part, at) => (
    <Fragment key={at}>
      {part}
      <wbr />
    </Fragment>
  ));
}
